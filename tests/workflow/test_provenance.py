"""Every number of a finished run can be followed to its records; what it took is told.

It can be packed.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from slowpoints.provenance.records import read_table
from slowpoints.publish.crate.check import problems

# of rdflib
pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning"),
]


def test_every_number_of_a_finished_run_is_traced(finished: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [
        str(finished / "workflow/scripts/stage"),
        "figures",
        "-m",
        "slowpoints",
        "trace",
        "--scale",
        "smoke",
    ]
    done = subprocess.run(
        command, env=os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"},
        text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "results/smoke: " in done.stdout
    assert done.stdout.endswith("each traced\n")


def test_what_it_took_is_told_and_a_lost_benchmark_runs_nothing_again(
    finished: Path, snakemake: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    snakemake("appendix")
    assert (finished / "results/smoke/appendix.pdf").read_bytes().startswith(b"%PDF")
    stages = read_table(finished / "results/smoke/timings.csv")
    assert set(stages["stage"]) == {"data", "train", "analyse", "figures", "claims", "paper"}
    assert (stages["measured"] == stages["jobs"]).all()
    next((finished / "benchmarks/smoke/long2016-state/train").glob("*.tsv")).unlink()
    assert "Nothing to be done" in snakemake("appendix").stdout


def test_a_finished_run_can_be_packed(
    finished: Path, snakemake: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    snakemake("crate")
    archive = finished / "results/smoke/crate.zip"
    assert "results/smoke/own-maximum/tables/outcomes.csv" in zipfile.ZipFile(archive).namelist()
    assert problems(archive)["required"] == set()
