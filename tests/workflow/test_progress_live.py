"""Progress and the doctor beside a real run, and after it was killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.copies import Snakemake
from helpers.plans import ROOT
from slowpoints.machine.doctor import project as doctor
from slowpoints.machine.started import send, started

pytestmark = pytest.mark.dag
EXPERIMENT = "long2016-state"


def asked(project: Path, *words: str) -> str:
    """Return what a command of the copy says.

    The driver's environment needs neither torch nor numpy.
    """
    env = os.environ | {"PYTHONPATH": str(project / "src"), "SLOWPOINTS_STAGE": "driver"}
    command = [sys.executable, "-m", "slowpoints", *words]
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@contextmanager
def snakemake_beside(project: Path, *targets: str) -> Iterator[subprocess.Popen[bytes]]:
    driver = ROOT / ".envs" / "driver" / "bin"
    path = f"{Path(sys.executable).parent}:{driver}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"}
    command = [driver / "snakemake", "--cores", "2", *targets, "--config", "scale=smoke"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with started(command, cwd=project, env=env, **silent) as running:
        yield running


def test_progress_beside_a_run_after_a_kill_and_at_the_end(
    finished: Path, snakemake: Snakemake
) -> None:
    runs = finished / f"results/smoke/{EXPERIMENT}/runs"
    kept = {
        path: path.read_bytes()
        for path in sorted(runs.iterdir())
        if not path.name.endswith(".provenance.json")
    }
    shutil.rmtree(runs)
    with snakemake_beside(finished, "train") as running:
        said, deadline = "", time.monotonic() + 120
        while f"\n  {EXPERIMENT}/train/" not in said and time.monotonic() < deadline:
            assert running.poll() is None
            said = asked(finished, "progress")
        # held, so that it cannot end while it is looked at, however busy the machine is
        assert send(running.pid, signal.SIGSTOP, to_group=True)
        assert "scale smoke: running since " in said
        assert "\nleft: about " in said
        assert "failures: 0" in said
        assert doctor.runs(finished).level == "note"
        assert send(running.pid, signal.SIGKILL, to_group=True)
    assert "was cut off" in asked(finished, "progress")
    assert doctor.runs(finished).level == "problem"
    snakemake("--unlock")
    snakemake("train")
    said = asked(finished, "progress", "--follow")
    assert said.count("has ended; all that it was asked for is done") == 1
    assert "left: nothing" in said or "left:" not in said
    snakemake()
    assert {path: path.read_bytes() for path in kept} == kept
