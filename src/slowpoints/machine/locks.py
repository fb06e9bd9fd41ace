"""Locks that vanish with their holder, also when it is killed: the operating system's own (flock).

A killed Snakemake leaves jobs that go on writing, and its own lock files, which hold nobody.
"""

import errno
import fcntl
import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

log = logging.getLogger("slowpoints")
UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # file systems without locks


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Be the only process that makes `path`.

    Where another one is at it, say so and wait until it has ended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.absolute()  # `.` has no name
    lock = whole.with_name(f".{whole.name}.lock")
    with _held(lock, path) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def _held(lock: Path, path: Path) -> Iterator[TextIOWrapper]:
    """Yield the open lock file, locked.

    Another that its holder has removed meanwhile does not count.
    """
    while True:
        with lock.open("a+", encoding="utf-8") as file:
            _wait(file, path)
            if _is_still(file, lock):
                yield file
                return


def _is_still(file: TextIOWrapper, lock: Path) -> bool:
    """Return whether an open file is still the one that is called `lock`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _wait(file: TextIOWrapper, path: Path) -> None:
    try:
        if not _taken(file, fcntl.LOCK_EX):
            file.seek(0)
            log.info(
                "waiting for %s, which is making %s already", file.read() or "another process", path
            )
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        log.info("this file system has no locks: do not start two jobs for %s at once", path)


def _taken(file: TextIOWrapper, how: int) -> bool:
    """Lock a file if that can be done at once; return whether it was done."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# What Snakemake is asked where nothing is to run; it does not tell a Snakefile so.
LOOKS = {
    "--dry-run",
    "--dryrun",
    "--lint",
    "--dag",
    "--rulegraph",
    "--filegraph",
    "--d3dag",
    "--summary",
}
LOOKS |= {"--detailed-summary", "--list-rules", "--list-target-rules", "--list-input-changes"}


def only_looks(words: Sequence[str]) -> bool:
    """Return whether a command of Snakemake only looks at the plan.    words: the command's"""
    short = (word for word in words if re.fullmatch("-[A-Za-z]{1,4}", word))
    return bool(LOOKS.intersection(words)) or any("n" in word for word in short)


def drop_stale(folder: Path) -> TextIOWrapper:
    """Remove the locks of Snakemake in `folder` if no run of it is alive.

    What is returned is to be kept till the end.

    Runs that are alive share a lock of the operating system, which ends with them, whatever ends
    them. One on another machine is left to `snakemake --unlock`: not every shared file system tells
    machines of each other's locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "alive.lock").open("a+", encoding="utf-8")
    try:
        if _taken(file, fcntl.LOCK_EX):
            file.seek(0)
            if file.read() in ("", socket.gethostname()):
                for stale in (folder / "locks").glob("*.lock"):
                    stale.unlink()
            file.truncate(0)
            file.write(socket.gethostname())
            file.flush()
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    return file
