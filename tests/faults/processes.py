"""The processes of a workflow that runs in one folder, by what they do.

Reads /proc, so Linux only.
"""

import os
import signal
import time
from pathlib import Path

from slowpoints.machine.started import send

END_S = 30.0
COPIES: list[Path] = []  # of the project, in which processes are started


def alive(folder: Path) -> dict[str, list[int]]:
    """Return the processes whose working folder is `folder`, by kind."""
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (kind := _kind(entry, folder)):
            found.setdefault(kind, []).append(int(entry.name))
    return found


def _kind(process: Path, folder: Path) -> str | None:
    """Return what a process is for, or None where it is none of ours or has ended meanwhile."""
    try:
        if os.readlink(process / "cwd") != str(folder):
            return None
        words = (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    if words[1:3] == [b"-m", b"slowpoints"]:
        return {b"train": "training job", b"figure": "notebook"}.get(words[3], "other stage")
    if words[1:3] == [b"-m", b"ipykernel_launcher"]:
        return "kernel of a notebook"
    if words[1:3] == [b"-m", b"snakemake"]:
        return "Snakemake"
    return None


def end(folder: Path) -> None:
    """Kill what runs in `folder`, and what starts there meanwhile, until nothing does."""
    deadline = time.monotonic() + END_S
    while (found := alive(folder)) and time.monotonic() < deadline:
        for pids in found.values():
            for pid in pids:
                send(pid, signal.SIGKILL)
        time.sleep(0.05)
