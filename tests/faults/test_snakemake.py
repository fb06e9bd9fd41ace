"""Snakemake stopped, killed, called twice at once, and given files from the future.

The same command goes on.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faults.conftest import copy
from faults.kills import COMMAND
from faults.processes import alive
from faults.sameness import results
from helpers.copies import surroundings
from slowpoints.machine.started import send

pytestmark = pytest.mark.faults
PARTS = ["results/smoke/long2016-adding-length/tables/outcomes.csv"]
LONGER = (
    "config/experiments/long2016-adding-length.yaml",
    "smoke: {train.steps: 100,",
    "smoke: {train.steps: 2000,",
)
GO_ON = "call the same command again"


def call(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a part of the workflow in a process group of its own, in which Ctrl-C is heard even if
    it is not here.
    """
    return subprocess.Popen(
        [*COMMAND, "--", *(words or PARTS)],
        cwd=folder,
        env=surroundings(),
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for_training(run: subprocess.Popen[str], folder: Path) -> int:
    """Return a training job that has kept its state.

    Others may still be starting, or have ended.
    """
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        kept = {path.stem for path in (folder / "results").rglob("checkpoints/*.safetensors")}
        for pid in alive(folder).get("training job", []):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if kept & set(Path(f"/proc/{pid}/cmdline").read_text("utf-8").split("\0")):
                    return pid
        assert run.poll() is None, run.communicate()[0][-3000:]
        time.sleep(0.02)
    pytest.fail("no training job has come to a checkpoint")


def finished(folder: Path, *words: str) -> str:
    """Call the same command until the end, once, and return what it said."""
    done = call(folder, *words)
    said = done.communicate()[0]
    assert done.returncode == 0, said[-3000:]
    return said


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the results of a part of the workflow that nobody disturbed."""
    folder = copy(tmp_path_factory.mktemp("wanted") / "copy", LONGER)
    finished(folder)
    return results(folder / "results")


Signal = Callable[[subprocess.Popen[str], int], bool]  # returns whether it reached a process


def to_snakemake(number: int) -> Signal:
    return lambda run, _: send(run.pid, number)


def to_group(number: int) -> Signal:
    return lambda run, _: send(run.pid, number, to_group=True)


def to_job(number: int) -> Signal:
    return lambda _, job: send(job, number)


SIGNALS = {
    "Ctrl-C (SIGINT to the group)": to_group(signal.SIGINT),
    "SIGINT to Snakemake alone": to_snakemake(signal.SIGINT),
    "SIGTERM to Snakemake alone": to_snakemake(signal.SIGTERM),
    "SIGTERM to the group": to_group(signal.SIGTERM),
    "SIGTERM to a training job": to_job(signal.SIGTERM),
}


@pytest.mark.parametrize("what", SIGNALS)
def test_a_signal_leaves_nothing_half_written_and_says_how_to_go_on(
    what: str, wanted: dict[str, bytes], tmp_path: Path, found: dict[str, Any]
) -> None:
    folder = copy(tmp_path / "copy", LONGER)
    run = call(folder)
    while not SIGNALS[what](run, wait_for_training(run, folder)):
        pass  # the training has ended by itself: take the next one
    said = run.communicate()[0]
    deadline = time.monotonic() + 60
    while alive(folder) and time.monotonic() < deadline:  # a job goes on to its next evaluation
        time.sleep(0.1)
    stopped = "its state is kept" in said + logs(folder)
    left = {
        name: content
        for name, content in results(folder / "results").items()
        if "checkpoints" not in name
    }
    again = finished(folder)
    found.setdefault("signals", {})[what] = {
        "exit status": run.returncode,
        "says how to go on": GO_ON in said
        or "the same snakemake command goes on from here" in said,
        "half-written": sorted(name for name in left if wanted.get(name) not in (left[name], None)),
        "strangers": sorted(name for name in left if name not in wanted),
        "equal in the end": results(folder / "results") == wanted,
        "stopped in training": stopped,
        "went on from a checkpoint": "continuing from" in logs(folder),
    }
    assert not alive(folder)
    assert run.returncode == (0 if "job" in what else 1), "a job that is stopped is tried again"
    assert run.returncode == 0 or GO_ON in said, said[-3000:]
    assert found["signals"][what]["half-written"] == found["signals"][what]["strangers"] == []
    assert found["signals"][what]["equal in the end"]
    assert found["signals"][what]["went on from a checkpoint"] == stopped
    assert stopped or "alone" in what, "Snakemake lets its jobs come to their end"
    assert "LockException" not in again


def logs(folder: Path) -> str:
    """Return what the training jobs said."""
    return "\n".join(path.read_text() for path in sorted((folder / "logs").rglob("train/*.txt")))


def test_after_kill_9_of_snakemake_the_same_command_goes_on_beside_its_orphans(
    wanted: dict[str, bytes], tmp_path: Path, found: dict[str, Any]
) -> None:
    folder = copy(tmp_path / "copy", LONGER)
    run = call(folder)
    wait_for_training(run, folder)
    run.kill()
    run.wait()
    orphans = sum(len(pids) for pids in alive(folder).values())
    assert run.stdout is not None
    run.stdout.close()  # they still hold its other end
    locks = list((folder / ".snakemake" / "locks").iterdir())
    finished(folder)
    found["kill -9 of Snakemake"] = {"orphans": orphans, "stale locks": len(locks)}
    assert locks
    assert orphans
    assert results(folder / "results") == wanted


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_is_not_harmed(
    wanted: dict[str, bytes], tmp_path: Path, found: dict[str, Any]
) -> None:
    folder = copy(tmp_path / "copy", LONGER)
    first = call(folder)
    wait_for_training(first, folder)
    second = call(folder)
    said = second.communicate()[0]
    assert second.returncode == 1
    assert re.search(r"LockException|cannot be locked", said), said[-3000:]
    dry = subprocess.run(
        [*COMMAND, "-n", "--", *PARTS],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        check=False,
    )
    assert dry.returncode == 0
    said = first.communicate()[0]
    assert first.returncode == 0, said[-3000:]
    found["two runs at once"] = {
        "the second": "refused (LockException)",
        "a dry run beside the first": "works",
    }
    assert results(folder / "results") == wanted


def test_a_record_from_the_future_does_no_harm(
    wanted: dict[str, bytes], tmp_path: Path, found: dict[str, Any]
) -> None:
    folder = copy(tmp_path / "copy", LONGER)
    finished(folder)
    record = next((folder / "results").rglob("runs/*.jsonl"))
    tomorrow = time.time() + 86400
    os.utime(record, (tomorrow, tomorrow))
    said = finished(folder)
    found["a record dated tomorrow"] = {"jobs run again": said.count("Finished jobid")}
    assert results(folder / "results") == wanted
