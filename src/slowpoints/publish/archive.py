"""What is kept of a run in the repository, for readers who do not run it."""

import shutil
from pathlib import Path

from slowpoints import paths
from slowpoints.plan import dag
from slowpoints.provenance import jobs

RECORDS_KEPT = "records.jsonl"  # one line per training job
WHOLE = ("claims.csv", "headlines.csv", "numbers.json", "paper.pdf")


def keep(scale: str, folder: Path) -> None:
    """Keep what a run of one scale says: claims, figures, the paper, and the tables behind them."""
    results = Path(paths.results(scale))
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name in WHOLE:
        shutil.copyfile(results / name, folder / name)
    for path in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(path, folder / "figures" / path.name)
    for experiment, name, path in tables(scale):
        kept = Path(paths.kept_table(folder, experiment, name))
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
    jobs.keep(jobs.read_all(Path.cwd(), scale), folder / RECORDS_KEPT)


def tables(scale: str) -> list[tuple[str, str, Path]]:
    """Return (experiment, name, file) of every table that a figure or a claim reads."""
    read = {
        (paths.experiment_of(file), Path(file).stem, Path(file))
        for figure in dag.figure_names()
        for file in dag.figure_inputs(scale, figure).values()
    }
    for name, own in dag.experiments(scale).items():
        judged = {"outcomes", *(claim.test.table for claim in own.claims)}
        read |= {(name, table, Path(paths.table(scale, name, table))) for table in judged}
    return sorted(read)
