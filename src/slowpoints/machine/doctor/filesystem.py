"""The file system that holds the results.

What the workflow asks of it, tried in a folder of its own.
"""

import fcntl
import os
import tempfile
from pathlib import Path

from slowpoints.machine.doctor.words import Finding

NAME = (
    120  # characters of the longest file name that a run writes, a temporary name beside a result
)
DEEP = 200  # characters of the longest path below the project


def writable(folder: Path) -> Finding | None:
    """Return a problem if nothing can be written below `folder`; results and logs are."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-"):
            return None
    except OSError as error:
        return Finding(
            "problem",
            "file system",
            f"{folder} cannot be written to ({error.strerror})",
            "mount it for writing, change its owner, or clone elsewhere",
        )


def tried(folder: Path) -> Finding:
    """Return whether locks exclude, renaming replaces, long names fit, and upper case differs from
    lower.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as name:
        place = Path(name)
        failed = [what for what, holds in _tests(place).items() if not holds]
    if failed:
        return Finding(
            "problem",
            "file system",
            f"{folder}: {'; '.join(failed)}",
            "clone to a local disk: jobs that are killed and started again rely on this",
        )
    return Finding(
        "ok", "file system", f"{folder}: locks, atomic renaming, long names, upper and lower case"
    )


def paths(root: Path) -> Finding:
    """Return whether the project's own path leaves room for those of its results."""
    limit = os.pathconf(root, "PC_PATH_MAX")
    if len(os.fsencode(root)) + DEEP > limit:
        return Finding(
            "problem", "path", f"{len(str(root))} characters of {limit}", "clone nearer to the root"
        )
    return Finding("ok", "path", str(root))


def _tests(place: Path) -> dict[str, bool]:
    return {
        "a lock does not keep a second process out": _locks(place),
        "a renamed file does not replace another": _replaces(place),
        f"names of {NAME} characters do not fit": _long_names(place),
        "upper and lower case are the same": _is_case_sensitive(place),
    }


def _locks(place: Path) -> bool:
    """Return whether the second of two handles is refused the lock of the first."""
    with (place / "lock").open("w") as first, (place / "lock").open("w") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _replaces(place: Path) -> bool:
    (place / "old").write_text("old")
    (place / "new").write_text("new")
    try:
        (place / "new").replace(place / "old")
    except OSError:
        return False
    return (place / "old").read_text() == "new" and not (place / "new").exists()


def _long_names(place: Path) -> bool:
    try:
        (place / ("n" * NAME)).touch()
    except OSError:
        return False
    return True


def _is_case_sensitive(place: Path) -> bool:
    (place / "case").touch()
    return not (place / "CASE").exists()
