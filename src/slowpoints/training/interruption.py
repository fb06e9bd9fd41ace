"""Being asked to stop: by a signal (Ctrl-C, a scheduler, a closed terminal), or because Snakemake
itself is gone.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRIVER = "SLOWPOINTS_DRIVER"  # the process that started the job, from the rules
GO_ON = "the same snakemake command goes on from here"


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop: by what, and what became of its work."""


def heed_signals() -> None:
    """From here on a signal ends this process by an exception, so that half-written files are
    removed on the way.
    """
    _handle(_stop_at_once)


@contextmanager
def postponed() -> Iterator[Callable[[], str]]:
    """Hold signals back, and yield a function that says what asks to stop, if anything.

    A second signal is obeyed.
    """
    asked: list[str] = []

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            _stop_at_once(number, frame)
        asked.append(signal.Signals(number).name)

    before = _handle(note)
    try:
        yield lambda: asked[0] if asked else _orphaned()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(call: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Handle the signals that are not ignored on purpose (nohup), and return the handlers
    before.
    """
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, call) for number in heard}


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    raise Interrupted(
        f"stopped by {signal.Signals(number).name}; nothing half-written is left, {GO_ON}"
    )


def _orphaned() -> str:
    """Return that Snakemake has ended, where it started this job and has."""
    driver = os.environ.get(DRIVER, "")
    try:
        if driver:
            os.kill(int(driver), 0)
    except ProcessLookupError:
        return f"the end of Snakemake (process {driver})"
    except PermissionError:
        pass  # it is there, as another user
    return ""
