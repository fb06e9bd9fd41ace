"""How fast the engine trains, measured against what a researcher would otherwise use, side by side in one run."""

from slowpoints.bench.gpu import page as gpu_page
from slowpoints.bench.gpu import run as gpu_run
from slowpoints.bench.report import markdown
from slowpoints.bench.suite import run

__all__ = ["gpu_page", "gpu_run", "markdown", "run"]
