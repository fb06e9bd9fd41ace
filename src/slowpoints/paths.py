"""Where everything lies: the one place that knows the names of folders and result files.

Results are named as Snakemake names them: relative to the project, as text. What is kept of one run
for readers who do not have it lies under paper/reference, its tables by experiment.
"""

from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parents[1]
SPACES = ROOT / "config" / "spaces"
DATA = ROOT / "data"

RECORDS, WEIGHTS, PROVENANCE = ".jsonl", ".safetensors", ".provenance.json"  # of a stack
SETTINGS = "config/experiments/{experiment}.yaml"


def is_project() -> bool:
    """Return whether the package lies in a checkout of the project, not among installed ones."""
    return (ROOT / "workflow" / "Snakefile").is_file()


def results(scale: str) -> str:
    """Return the folder of all results of a scale."""
    return f"results/{scale}"


def run_file(scale: str, experiment: str, stack: str, suffix: str = RECORDS) -> str:
    """Return a file of a trained stack: its records, weights or provenance."""
    return f"{results(scale)}/{experiment}/runs/{stack}{suffix}"


def plan_folder(scale: str, experiment: str) -> str:
    """Return the folder of the plan files of an experiment, one per stack."""
    return f"{results(scale)}/{experiment}/plan"


def checkpoint(scale: str, experiment: str, stack: str) -> str:
    """Return the file that a stack in training is continued from."""
    return f"{results(scale)}/{experiment}/checkpoints/{stack}.safetensors"


def table(scale: str, experiment: str, name: str, suffix: str = ".csv") -> str:
    """Return a table, or the arrays beside it (`.safetensors`)."""
    return f"{results(scale)}/{experiment}/tables/{name}{suffix}"


def data(scale: str, name: str, suffix: str = ".json") -> str:
    """Return the manifest of a data set, or a table of published data (`.csv`)."""
    return f"{results(scale)}/data/{name}{suffix}"


def figure(scale: str, name: str, suffix: str = ".pdf") -> str:
    """Return a file of a figure: `.pdf`, `.png`, or the checksums of both (`.sha256`)."""
    return f"{results(scale)}/figures/{name}{suffix}"


def figure_page(scale: str, name: str) -> str:
    """Return the executed notebook of a figure, as a page."""
    return f"{results(scale)}/notebooks/{name}.html"


def whole(scale: str, name: str) -> str:
    """Return a result of the whole scale.

    Claims.csv, numbers.json, paper.pdf, cells.json, parts.json.
    """
    return f"{results(scale)}/{name}"


def settings(experiment: str) -> str:
    """Return the file of an experiment."""
    return SETTINGS.format(experiment=experiment)


def kept(scale: str) -> str:
    """Return the folder of what is kept of one run."""
    return f"paper/reference/{scale}"


def kept_table(folder: str | Path, experiment: str, name: str) -> str:
    """Return a table in a folder of what is kept."""
    return f"{folder}/tables/{experiment}/{name}.csv"


def redrawn(scale: str) -> str:
    """Return the folder of what is drawn anew from what is kept of a run."""
    return f"results/redrawn/{scale}"


class Place(NamedTuple):
    """What a result file of an experiment is."""

    scale: str
    experiment: str
    kind: str  # plan, runs, tables, checkpoints
    name: str  # of the stack or the analysis


def place_of(file: str | Path) -> Place:
    """Return what a file results/<scale>/<experiment>/<kind>/<name>.* is."""
    path = Path(file)
    scale, experiment, kind = path.parts[-4:-1]
    return Place(
        scale, experiment, kind, path.name.removesuffix(PROVENANCE).removesuffix(path.suffix)
    )


def experiment_of(file: str | Path) -> str:
    """Return the experiment of a table that a figure reads; `data` for tables of published data."""
    path = Path(file)
    return "data" if path.parent.name == "data" else place_of(path).experiment


def all_runs(scale: str, *, root: Path = Path(), experiment: str = "*") -> list[Path]:
    """Return the record files that are there, of one experiment or of all, in the order of their
    names.
    """
    return sorted((root / results(scale)).glob(f"{experiment}/runs/*{RECORDS}"))


def all_tables(scale: str, *, root: Path = Path()) -> list[Path]:
    """Return the tables of experiments that are there."""
    return sorted((root / results(scale)).glob("*/tables/*.csv"))
