"""What a measurement starts is stopped again, and a process that has ended by itself stops no
measurement.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faults import processes
from helpers.plans import ROOT
from slowpoints.machine.started import send, started, stop

sys.path.insert(0, str(ROOT / "workflow/scripts"))  # as Python does where it runs a script

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
# A program with a child, which it does not stop; both in the group, which prints who they are.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(float(sys.argv[1]))
"""


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended, and that nobody has waited for,
    does not.
    """
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended() -> int:
    """Return the number of a process that has ended and was waited for."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("to_group", [False, True])
def test_a_signal_to_a_process_that_has_ended_is_no_error(to_group: bool) -> None:
    assert not send(ended(), signal.SIGKILL, to_group=to_group)


def test_a_signal_reaches_a_process_that_is_there() -> None:
    with started(SLEEP) as process:
        assert send(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def test_a_program_and_its_child_end_with_the_block_where_it_fails() -> None:
    found: list[int] = []

    def fail() -> None:
        with started(
            [sys.executable, "-c", PARENT, "600"], stdout=subprocess.PIPE, text=True
        ) as parent:
            found.extend((parent.pid, int(parent.stdout.readline())))
            parent.stdout.close()
            assert all(map(is_alive, found))
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    until(lambda: not any(map(is_alive, found)))


def test_a_child_that_outlives_its_program_ends_with_the_block() -> None:
    with started([sys.executable, "-c", PARENT, "0"], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.communicate()[0])
        assert parent.returncode == 0
        assert is_alive(child)
    until(lambda: not is_alive(child))


def test_a_program_that_will_not_stop_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', "
        "flush=True); time.sleep(600)"
    )
    with started([sys.executable, "-S", "-c", deaf], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.stdout.close()
        stop(process, patience_s=0.2)
        assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_measurement_that_is_asked_to_stop_stops_what_it_started(number: signal.Signals) -> None:
    code = (
        "import signal, sys; from slowpoints.machine.started import heed_signals, started\n"
        "heed_signals()\n"
        f"with started({SLEEP!r}) as process:\n"
        "    print(process.pid, flush=True); process.wait()"
    )
    measurement = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    with measurement:
        child = int(measurement.stdout.readline())
        measurement.send_signal(number)
        assert measurement.stderr.read().endswith("KeyboardInterrupt\n")
    assert not is_alive(child)


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    import slurm_test

    monkeypatch.setattr(slurm_test, "processes", lambda job: {})
    return slurm_test


def test_a_training_that_ended_before_its_kill_stops_no_slurm_test(slurm: ModuleType) -> None:
    assert not slurm.kill("kill -9 of the training", "7", ended())


def test_a_job_that_ended_before_its_kill_stops_no_slurm_test(
    slurm: ModuleType, monkeypatch: Any
) -> None:
    monkeypatch.setattr(slurm, "processes", lambda job: {ended(): "-m slowpoints train"})
    assert not slurm.kill("kill -9 of the whole job", "7", 1)


def test_a_job_that_scancel_no_longer_finds_stops_no_slurm_test(
    slurm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scancel").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "scancel").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert not slurm.kill("scancel", "7", 1)


def test_a_kill_that_reached_nobody_is_done_again(
    slurm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five trainings the first ends by itself before its kill.

    Snakemake ends after the fourth kill.
    """
    stage = tmp_path / "workflow/scripts/stage"
    stage.parent.mkdir(parents=True)
    stage.write_text("#!/bin/sh\nwhile [ ! -e done ]; do sleep 0.05; done\n")
    stage.chmod(0o755)
    left, asked = [("7", f"network {i}", i) for i in range(5)], []

    def kill(how: str, job: str, training: int) -> bool:
        asked.append(how)
        left.pop(0)
        if len(asked) == len(slurm.KILLS) + 1:
            (tmp_path / "done").touch()
        return training > 0

    monkeypatch.setattr(slurm, "trainings", lambda: list(left))
    monkeypatch.setattr(slurm, "kill", kill)
    monkeypatch.setattr(slurm.time, "sleep", lambda seconds: threading.Event().wait(0.01))
    found = slurm.through_slurm(tmp_path, log=tmp_path / "log")
    assert [own["job"] for own in found] == [f"network {i}" for i in range(1, 5)]
    assert [own["how"] for own in found] == list(slurm.KILLS)
    assert asked[:2] == [slurm.KILLS[0]] * 2


DAEMON = "#!/bin/sh\necho $$ >>{pids}\nexec sleep 600\n"


@pytest.mark.parametrize("state", ["idle", "down"])
def test_the_daemons_of_slurm_end_where_the_test_fails_or_the_node_does_not_come_up(
    slurm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    tools, pids = tmp_path / "tools", tmp_path / "pids"
    programs = dict.fromkeys(("runuser", "slurmctld", "slurmd"), DAEMON.format(pids=pids))
    programs |= {
        "sinfo": f"#!/bin/sh\necho {state}\n",
        "squeue": "#!/bin/sh\n",
        "scancel": "#!/bin/sh\n",
    }
    tools.mkdir()
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "CONF", tmp_path / "slurm.conf")
    monkeypatch.setattr(slurm, "MUNGE", tmp_path / "munge")
    monkeypatch.setattr(slurm, "SECONDS", 1.0)
    monkeypatch.setattr(slurm.shutil, "chown", lambda *words: None)

    def fail() -> None:
        with slurm.cluster(tmp_path / "slurm"):
            assert (tmp_path / "slurm.conf").exists()
            until(lambda: pids.exists() and len(pids.read_text().split()) == 3)
            raise SystemExit("Snakemake failed")

    with pytest.raises(
        SystemExit,
        match="Snakemake failed" if state == "idle" else "in vain until the node comes up",
    ):
        fail()
    daemons = [int(pid) for pid in pids.read_text().split()]
    assert len(daemons) == 3
    until(lambda: not any(map(is_alive, daemons)))
    assert not (tmp_path / "slurm.conf").exists()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "boto3", ModuleType("boto3"))
    monkeypatch.delitem(sys.modules, "s3_test", raising=False)
    import s3_test

    return s3_test


def test_a_store_that_ends_by_itself_is_not_waited_for(s3: ModuleType) -> None:
    with (
        started([sys.executable, "-S", "-c", "raise SystemExit(3)"]) as server,
        pytest.raises(SystemExit, match="exit status 3"),
    ):
        s3.wait_for(server, s3.free_port())


def test_a_store_has_a_port_that_nobody_has(s3: ModuleType) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", s3.free_port()))
        other.listen()
        assert s3.free_port() != other.getsockname()[1]


def test_pods_end_with_the_stand_in_for_a_cluster_and_those_that_wait_do_not_begin(
    tmp_path: Path,
) -> None:
    from stand_in_cluster import kubernetes

    before = os.environ.get("KUBECONFIG")
    folder = tmp_path / "cluster"

    def fail() -> None:
        with kubernetes(folder, python=Path(sys.executable)) as cluster:
            for name in ("first", "second"):
                container = {"env": [], "command": [sys.executable], "args": ["-c", PARENT, "600"]}
                cluster.jobs[name] = {"spec": {"template": {"spec": {"containers": [container]}}}}
                cluster.start(name)
            until(lambda: any(path.read_text().strip() for path in folder.glob("*.log")))
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    (log,) = folder.glob("*.log")
    child = int(log.read_text())
    until(lambda: not is_alive(child))
    assert os.environ.get("KUBECONFIG") == before


def test_all_that_a_case_left_at_work_in_a_copy_is_killed(tmp_path: Path) -> None:
    (tmp_path / "snakemake.py").write_text(
        "import time\nprint('up', flush=True)\ntime.sleep(600)\n"
    )
    with started(
        [sys.executable, "-m", "snakemake"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as left:
        assert left.stdout.readline() == "up\n"
        left.stdout.close()
        assert processes.alive(tmp_path) == {"Snakemake": [left.pid]}
        threading.Thread(target=left.wait).start()  # else it stays in the list of processes
        processes.end(tmp_path)
        assert left.wait() == -signal.SIGKILL
        assert not processes.alive(tmp_path)
