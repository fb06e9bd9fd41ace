"""One writer per result, and locks that end with their holder."""

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers import one_job
from slowpoints.machine import locks

HOLD = """
import sys, time
from pathlib import Path
from slowpoints.machine import locks
with locks.sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
LIVE = """
import sys, time
from pathlib import Path
from slowpoints.machine import locks
kept = locks.drop_stale(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def holder(code: str, path: Path) -> subprocess.Popen[str]:
    """Return a process that holds a lock."""
    made = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env=one_job.surroundings(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "held\n"
    made.stdout.close()
    return made


def test_a_second_writer_waits_for_the_first_and_says_for_whom(tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "slowpoints")
    path, order = tmp_path / "x.txt", []
    first = holder(HOLD, path)

    def second() -> None:
        with locks.sole_writer(path):
            order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    waiting.join(0.3)
    assert order == []
    first.kill()
    first.wait()
    waiting.join(10)
    assert order == ["second"], "a lock ends with its holder, also when it is killed"
    assert f"waiting for process {first.pid} on " in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_many_writers_come_one_after_the_other(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def write() -> None:
        for _ in range(20):
            with locks.sole_writer(tmp_path / "x"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def stale(folder: Path) -> Path:
    lock = folder / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("results/x\n")
    return lock


def test_locks_of_a_snakemake_that_was_killed_are_removed_and_those_of_one_that_is_alive_stay(
    tmp_path: Path,
) -> None:
    lock = stale(tmp_path)
    alive = holder(LIVE, tmp_path)
    assert not lock.exists(), "nobody was alive"
    lock = stale(tmp_path)
    locks.drop_stale(tmp_path).close()
    assert lock.exists()
    alive.kill()
    alive.wait()
    locks.drop_stale(tmp_path).close()
    assert not lock.exists()


def test_locks_that_another_machine_left_are_not_touched(tmp_path: Path) -> None:
    lock = stale(tmp_path)
    (tmp_path / "alive.lock").write_text("another-machine")
    locks.drop_stale(tmp_path).close()
    assert lock.exists()


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        (["-n"], True),
        (["-nq", "--config", "scale=paper"], True),
        (["--dry-run"], True),
        (["--lint"], True),
        (["--cores", "2"], False),
        (["-s", "workflow/Snakefile", "-c2", "-k"], False),
        (["-sworkflow/Snakefile", "notebooks"], False),
    ],
)
def test_a_command_that_only_looks_is_told_from_one_that_runs(
    words: list[str], looks: bool
) -> None:
    assert locks.only_looks(words) == looks
