"""What the numbers of a job do not depend on.

When and where it ran, from which commit, and what was changed.
"""

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.paths import ROOT

# what a job reads of the project
MATTERS = ("Snakefile", "config", "data", "envs", "src", "workflow")
CPUINFO = Path("/proc/cpuinfo")


class Begun(NamedTuple):
    """When a job began: by the calendar, and by a clock that nobody sets."""

    date: str
    clock_s: float

    @classmethod
    def now(cls) -> "Begun":
        """Return this moment."""
        return cls(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic())


def now(begun: Begun) -> dict[str, Any]:
    """Return the circumstances of a job that began at `begun` and ends now."""
    return {
        **checkout(ROOT),
        "started": begun.date,
        "wall_s": round(time.monotonic() - begun.clock_s, 1),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(CPUINFO),
        "cores": os.cpu_count(),
    }


def checkout(root: Path) -> dict[str, Any]:
    """Return the commit of `root` and which files differ from it, new ones included.

    `dirty` is None if unknown.
    """
    if not shutil.which("git") or _git(root, "rev-parse", "--show-toplevel") != str(root.resolve()):
        return {"commit": "unknown", "dirty": None, "changed": []}
    status = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *MATTERS)
    changed = [line[3:] for line in status.splitlines()]
    return {
        "commit": _git(root, "rev-parse", "HEAD") or "unknown",
        "dirty": bool(changed),
        "changed": changed,
    }


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.rstrip()


def processor(cpuinfo: Path) -> str:
    """Return the processor's name, where the system tells it."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
