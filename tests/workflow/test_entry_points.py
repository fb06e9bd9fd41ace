"""The workflow started from either Snakefile, and used by another workflow as a module."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.plans import ROOT

pytestmark = pytest.mark.dag
DRIVER = ROOT / ".envs" / "driver" / "bin"
OTHER = """\
configfile: "{project}/config/config.yaml"


module memory:
    snakefile:
        "{project}/workflow/Snakefile"
    config:
        config


use rule * from memory as memory_*
"""


def jobs(output: str) -> dict[str, int]:
    """Return {rule: jobs} of a dry run, by the names that the rules have here."""
    lines = output[output.index("\njob ") :].split("\n\n")[0].splitlines()[3:]
    return {line.split()[0].removeprefix("memory_"): int(line.split()[1]) for line in lines}


def test_all_entries_plan_the_same_jobs_and_run(
    project: Path, snakemake: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    root = jobs(snakemake("-n", "--forceall").stdout)
    assert root["train_stack"] > 100
    assert root["all"] == 1
    assert jobs(snakemake("-n", "--forceall", "--snakefile", "workflow/Snakefile").stdout) == root

    (tmp_path / "Snakefile").write_text(OTHER.format(project=project))
    path = f"{Path(sys.executable).parent}:{DRIVER}:{os.environ['PATH']}"

    def other(*words: str) -> str:
        command = [str(DRIVER / "snakemake"), "--cores", "2", *words, "--config", "scale=smoke"]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"},
            text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    assert jobs(other("-n", "memory_all")) == root
    other("results/smoke/data/mnist14.json")
    assert (
        json.loads((tmp_path / "results/smoke/data/mnist14.json").read_text())["name"] == "mnist14"
    )
