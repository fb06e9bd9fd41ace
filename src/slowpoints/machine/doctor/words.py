"""The form of a finding, and of the numbers in it."""

import subprocess
from typing import Literal, NamedTuple

GB = 1e9
HOUR_S, MINUTE_S = 3600, 60
Level = Literal["ok", "note", "problem"]


class Finding(NamedTuple):
    """One thing that was looked at; `todo` says what to do where it is not well."""

    level: Level
    what: str
    says: str
    todo: str = ""


def size(n_bytes: float) -> str:
    """Return a number of bytes as people say it."""
    return f"{n_bytes / GB:.1f} GB" if n_bytes >= GB else f"{n_bytes / 1e6:.0f} MB"


def duration(seconds: float) -> str:
    """Return a number of seconds as people say it, with two digits that matter."""
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return (
        f"{seconds / HOUR_S:.1f} h"
        if seconds < 48 * HOUR_S
        else f"{seconds / 24 / HOUR_S:.1f} days"
    )


def output(*command: str, timeout_s: float = 20.0) -> str | None:
    """Return what a command prints, None if it is not there, fails, or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
