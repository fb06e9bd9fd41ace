"""How fast the engine trains, measured against what a researcher would otherwise use, side by side in one run."""

from slowpoints.bench.report import markdown
from slowpoints.bench.suite import run

__all__ = ["markdown", "run"]
