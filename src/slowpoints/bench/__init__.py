"""How fast the engine trains and the search finds, against what a researcher would otherwise use, in one run."""

from slowpoints.bench.gpu import page as gpu_page
from slowpoints.bench.gpu import run as gpu_run
from slowpoints.bench.points import run as points_run
from slowpoints.bench.points_report import points_page
from slowpoints.bench.report import markdown
from slowpoints.bench.suite import run
from slowpoints.bench.tuning import run as tuning_run
from slowpoints.bench.tuning import tuning_page

__all__ = ["gpu_page", "gpu_run", "markdown", "points_page", "points_run", "run", "tuning_page", "tuning_run"]
