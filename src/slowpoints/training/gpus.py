"""Which of several GPUs a job takes: one that no other job of this user holds."""

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path


@cache
def of_this_process(n: int) -> int:
    """Return the index of the GPU that this process takes, of the n that it sees."""
    return take(n, folder=Path(tempfile.gettempdir()))


def take(n: int, *, folder: Path) -> int:
    """Return the index of a GPU, held until the process ends.

    Each has a file that whoever holds it has locked. Where all are held, jobs share: which one is
    then left to chance.

    n: how many this process sees; folder: of the locks
    """
    for index, name in enumerate(_names(n)):
        path = folder / f"slowpoints-{os.getuid()}-gpu-{name}"
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)  # never closed: the lock would go
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            return index
    return os.getpid() % n


def _names(n: int) -> list[str]:
    """Return the GPUs by the names that other processes know them by."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    named = [name.strip().replace("/", "-") for name in visible.split(",") if name.strip()]
    return named if len(named) == n else [str(index) for index in range(n)]
