"""Where the results of a scale are.

Results/<scale>, or what the project keeps of one run under paper/reference.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from slowpoints import paths
from slowpoints.errors import SlowpointsError
from slowpoints.paths import ROOT
from slowpoints.provenance import jobs as done
from slowpoints.provenance.jobs import Job
from slowpoints.provenance.records import read_table
from slowpoints.publish.archive import RECORDS_KEPT


class TraceError(SlowpointsError):
    """A word that leads nowhere: what was looked at, and what comes near."""


NUMBERS = ("estimate", "low", "high", "p")  # of a claim; where they are empty they are NaN


class Place(NamedTuple):
    """Results of one scale: those of a run here, or those kept."""

    scale: str
    folder: str
    is_kept: bool

    @property
    def path(self) -> Path:
        """Return the folder itself."""
        return ROOT / self.folder

    def table(self, experiment: str, name: str) -> str:
        """Return the file of a table."""
        if self.is_kept:
            return paths.kept_table(self.folder, experiment, name)
        return paths.table(self.scale, experiment, name)


def places(scale: str) -> list[Place]:
    """Return where results of `scale` are, a run here first; nowhere is an error."""
    found = [Place(scale, paths.results(scale), False), Place(scale, paths.kept(scale), True)]
    there = [
        place
        for place in found
        if place.path.is_dir() and (place.is_kept or list(place.path.glob("*/runs")))
    ]
    if not there:
        looked = " nor ".join(place.folder for place in found)
        raise TraceError(
            f"no results in {looked}; make them with: snakemake --cores 2 --config scale={scale}"
        )
    return there


@cache
def numbers(place: Place) -> dict[str, Any]:
    """Return every number of the text; none where a run has not come so far."""
    file = place.path / "numbers.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


@cache
def claims(place: Place) -> dict[str, dict[str, Any]]:
    """Return the rows of the claims table by claim."""
    file = place.path / "claims.csv"
    rows = read_table(file).to_dict("records") if file.is_file() else []
    return {
        row["id"]: {
            key: "" if value != value and key not in NUMBERS else value
            for key, value in row.items()
        }
        for row in rows
    }


@cache
def jobs(place: Place) -> dict[str, list[Job]]:
    """Return the training jobs of every experiment."""
    if place.is_kept:
        file = place.path / RECORDS_KEPT
        found = done.kept(file) if file.is_file() else []
    else:
        found = done.read_all(ROOT, place.scale)
    sorted_out: dict[str, list[Job]] = {}
    for job in found:
        sorted_out.setdefault(job.experiment, []).append(job)
    return sorted_out


@cache
def table(place: Place, experiment: str, name: str) -> pd.DataFrame:
    """Return a table, verified."""
    return read_table(ROOT / place.table(experiment, name))


def tables(place: Place) -> list[tuple[str, str]]:
    """Return every table as (experiment, name)."""
    if place.is_kept:
        return sorted((path.parent.name, path.stem) for path in place.path.glob("tables/*/*.csv"))
    return sorted(
        (paths.experiment_of(path), path.stem) for path in paths.all_tables(place.scale, root=ROOT)
    )


def line_of(file: str, *words: str) -> str:
    """Return `file:line` of the first line that has one of `words`, the earlier word first.

    Else the file.
    """
    lines = (
        (ROOT / file).read_text(encoding="utf-8").splitlines() if (ROOT / file).is_file() else []
    )
    for word in words:
        for number, line in enumerate(lines, start=1):
            if word in line:
                return f"{file}:{number}"
    return file
