"""Start programs for a measurement, and stop them with all that they started, whatever happens
meanwhile.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 30.0  # between asking a program to stop and killing it
LOOK_S = 0.05


def send(pid: int, number: int, *, to_group: bool = False) -> bool:
    """Send a signal to a process, or to the group that it leads.

    Return whether there still was one.
    """
    try:
        (os.killpg if to_group else os.kill)(pid, number)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def started(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Run a program in a session of its own as long as the block lasts, then stop it and all that
    is left in its group.

    options: those of `subprocess.Popen`
    """
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any], *, patience_s: float = PATIENCE_S) -> None:
    """Ask a program of `started` and all of its group to stop, and kill what is left after
    `patience_s` seconds.
    """
    send(process.pid, signal.SIGTERM, to_group=True)
    deadline = time.monotonic() + patience_s
    while _goes_on(process) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    send(process.pid, signal.SIGKILL, to_group=True)
    process.wait()


def _goes_on(process: subprocess.Popen[Any]) -> bool:
    """Return whether the program or any other process of its group is alive."""
    return process.poll() is None or send(process.pid, 0, to_group=True)


def heed_signals() -> None:
    """Let SIGTERM and SIGHUP end this program as Ctrl-C does.

    By an exception, which stops what it has started.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
