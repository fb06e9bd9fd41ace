"""Read what jobs took from Snakemake's benchmark files: their wall time and memory. No torch.

Every job of the workflow has one thread, so its wall time on a machine with a free core is what it
costs. The column `cpu_time` is not read: Snakemake samples it every half second for 15 s, then
every 30 s, and keeps the last sample, so that a job of 28 s is recorded with 14. A file holds the
last attempt of its job; what was lost before is not in it.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FOLDER = "benchmarks"


class Measured(NamedTuple):
    """What the last attempt of one job took."""

    seconds: float  # wall time
    max_rss_mb: (
        float  # the largest resident size; 0 where the job ended before Snakemake looked at it
    )


def read(root: Path, scale: str, jobs: Iterable[str]) -> dict[str, Measured]:
    """Read the benchmarks of those `jobs` of one scale that have one, in the project at `root`.

    A job is named as its benchmark is: <experiment>/train/<stack>, figures/<name>, claims ...
    """
    measured = {}
    for job in jobs:
        path = root / FOLDER / scale / f"{job}.tsv"
        if path.is_file():
            rows = list(
                csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
            )
            if rows:  # none while the file is being written
                measured[job] = Measured(float(rows[-1]["s"]), _number(rows[-1]["max_rss"]))
    return measured


def _number(cell: str) -> float:
    """Return a sampled value as a number; Snakemake writes NA or - where it took no sample."""
    return 0.0 if cell in ("NA", "-") else float(cell)
