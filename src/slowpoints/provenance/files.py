"""Files that are written whole or not at all, and checksums for kinds that have no place for one.

JSON has it among its keys, figures in a file beside them. Needs the standard library only: the
environment of the paper has no more.
"""

import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slowpoints.errors import SlowpointsError

KEY = "sha256"


class BadResult(SlowpointsError):
    """A result file that is damaged or of another version: which one, and how to rebuild it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}; rebuild it with: snakemake --cores 2 --forcerun {path}")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`.

    On success it becomes `path`, on failure nothing is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????{glob.escape(path.suffix)}"):
        # by a writer that was killed: a result has one writer at a time
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        is_another = error.filename is not None and Path(error.filename) != temporary
        if is_another or error.errno is None:
            raise
        raise OSError(
            error.errno, error.strerror, str(path)
        ) from None  # not of the temporary name, or of none
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(data: bytes) -> str:
    """Return the hexadecimal sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sealed_json(values: dict[str, Any]) -> str:
    """Return `values` as JSON, one key more: the checksum of the others."""
    return as_json(values | {KEY: sha256(as_json(values).encode())})


def as_json(values: dict[str, Any]) -> str:
    """Return `values` as JSON, the same text for the same content."""
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """Return the values in a sealed JSON file, verified, without the checksum."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadResult(path, "missing") from None
    except ValueError:
        raise BadResult(path, "damaged (it is no JSON)") from None
    if not isinstance(values, dict) or values.pop(KEY, None) != sha256(as_json(values).encode()):
        raise BadResult(path, "damaged (its checksum does not match)")
    return values


def sums(*files: Path) -> str:
    """Return the checksums of files in one folder, as `sha256sum --check` reads them."""
    return "".join(f"{sha256(file.read_bytes())}  {file.name}\n" for file in files)


def check(file: Path, *, beside: Path) -> None:
    """Raise unless `file` has the checksum that the list `beside` it says."""
    try:
        lines = beside.read_text(encoding="utf-8").splitlines()
        listed = {name: seal for seal, name in (line.split("  ", 1) for line in lines)}
        found = sha256(file.read_bytes())
    except FileNotFoundError as error:
        raise BadResult(Path(error.filename), "missing") from None
    except ValueError:
        raise BadResult(beside, "damaged (it is no list of checksums)") from None
    if file.name not in listed:
        raise BadResult(beside, f"damaged (it does not tell the checksum of {file.name})")
    if listed[file.name] != found:
        raise BadResult(file, f"damaged (its checksum is not the one in {beside.name})")
