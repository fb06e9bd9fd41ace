"""Copies of the project in which a test may do as it likes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers.plans import ROOT

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
DRIVER = ROOT / ".envs" / "driver" / "bin"


def copied(to: Path) -> Path:
    """Copy every file of the project that version control knows or would take, and return
    the copy.
    """
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def surroundings() -> dict[str, str]:
    """Return the environment variables in which the stages run in the environment of the tests."""
    path = f"{Path(sys.executable).parent}:{DRIVER}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"}
