"""Copies of the project to try things in, and whether two of them came to the same results."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from slowpoints.machine.started import started

ROOT = Path(__file__).resolve().parents[2]
NOT_COMPARED = (".provenance.json",)  # it says when, where and how long


def copy_project(folder: Path, *stages: str) -> None:
    """Copy the files of the project and the kernels compiled here, and build the environments of
    some stages there.
    """
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], check=True, text=True, stdout=subprocess.PIPE
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if stages and (ROOT / ".envs/kernels").exists():
        shutil.copytree(ROOT / ".envs/kernels", folder / ".envs/kernels")
    for stage in stages:
        with started([folder / "workflow/scripts/stage", stage]) as building:
            if building.wait():
                raise SystemExit(f"the environment of stage {stage} could not be built in {folder}")


def compare(ours: Path, others: Path) -> dict[str, Any]:
    """Return how many files of two folders are equal to the byte, and the names of those that are
    not.
    """
    left, right = (
        {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        for folder in (ours, others)
    )
    shared = [name for name in left if name in right and not name.endswith(NOT_COMPARED)]
    differ = [name for name in shared if left[name].read_bytes() != right[name].read_bytes()]
    return {
        "equal": len(shared) - len(differ),
        "differ": sorted(differ),
        "missing": sorted(set(left) ^ set(right)),
        "not_compared": sum(name.endswith(NOT_COMPARED) for name in left),
    }
