"""What is kept of a run in the repository, for readers who do not run it."""

import shutil
from pathlib import Path

from slowpoints import paths
from slowpoints.provenance import jobs

RECORDS_KEPT = "records.jsonl"  # one line per training job
WHOLE = ("claims.csv", "headlines.csv", "numbers.json", "paper.pdf")
# Tables that only figures use:
UNJUDGED = (
    "curves",
    "latch_trace",
    "example_trials",
    "delay_law",
    "schedules",
    "states",
    "between",
    "eigenvalues",
)


def keep(scale: str, folder: Path) -> None:
    """Keep what a run of one scale says: claims and their tables, figures, paper."""
    results = Path(paths.results(scale))
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name in WHOLE:
        shutil.copyfile(results / name, folder / name)
    for path in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(path, folder / "figures" / path.name)
    for path in paths.all_tables(scale):
        if path.stem not in UNJUDGED:
            kept = Path(paths.kept_table(folder, paths.experiment_of(path), path.stem))
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)
    jobs.keep(jobs.read_all(Path.cwd(), scale), folder / RECORDS_KEPT)
