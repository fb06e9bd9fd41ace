"""Asked to stop, a job keeps its state, leaves nothing half-written, says how to go on.

Then it ends as ever.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import one_job
from slowpoints.training import interruption
from slowpoints.training.interruption import Interrupted

STEPS = 80


def interrupted(
    folder: Path, stop: Callable[[subprocess.Popen[str]], None], **env: str
) -> tuple[int, str]:
    """Return (exit status, what it said) of a job that is stopped once training has begun."""
    # tests may run under nohup, the job does not
    job = subprocess.Popen(
        one_job.command(folder, steps=STEPS),
        env=one_job.surroundings() | env,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    assert job.stderr is not None
    said = ""
    while "from" not in said:  # "starting from step 0" or "continuing from ..."
        said += job.stderr.readline()
    time.sleep(0.2)
    stop(job)
    with job:
        said += job.stderr.read()
    return job.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_job_that_is_asked_to_stop_keeps_its_state_and_goes_on(
    number: signal.Signals, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    status, said = interrupted(tmp_path, lambda job: job.send_signal(number))
    assert status == 1
    assert (
        f"of the stack by {number.name}; its state is kept, the same snakemake command goes on "
        "from here" in said
    )
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["x.checkpoint"]
    if number != signal.SIGTERM:  # the rest is the same for all
        return
    goes_on = one_job.call(tmp_path, steps=STEPS)
    assert "continuing from" in goes_on.stderr
    whole = tmp_path_factory.mktemp("whole")
    assert one_job.call(whole, steps=STEPS).returncode == 0
    for name in ("x.records", "x.weights"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    assert not (tmp_path / "x.checkpoint").exists()


def test_a_job_that_outlives_snakemake_keeps_its_state_and_ends(tmp_path: Path) -> None:
    driver = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

    def end(job: subprocess.Popen[str]) -> None:
        driver.kill()
        driver.wait()

    status, said = interrupted(tmp_path, end, SLOWPOINTS_DRIVER=str(driver.pid))
    assert status == 1
    assert f"by the end of Snakemake (process {driver.pid}); its state is kept" in said
    assert [path.name for path in tmp_path.iterdir()] == ["x.checkpoint"]


def test_a_second_signal_is_obeyed_at_once() -> None:
    def obey() -> None:
        with interruption.postponed() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop() == "SIGTERM"
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="stopped by SIGINT; nothing half-written"):
        obey()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_that_is_ignored_on_purpose_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruption.postponed() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop() == ""
    signal.signal(signal.SIGHUP, before)


HALF = """
import sys, time
from pathlib import Path
from slowpoints.provenance import records
from slowpoints.training import interruption
interruption.heed_signals()
with records.atomic(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the n")
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_writer_that_is_stopped_leaves_the_old_file(
    number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    writer = subprocess.Popen(
        [sys.executable, "-c", HALF, str(path)], env=one_job.surroundings(), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    writer.send_signal(number)
    writer.wait()
    writer.stdout.close()
    assert path.read_text() == "old"
    from slowpoints.provenance import records

    assert len(list(tmp_path.iterdir())) == (1 if number == signal.SIGTERM else 2)
    records.write_text(path, "new")
    assert list(tmp_path.iterdir()) == [path], "the next writer removes what a killed one has left"
