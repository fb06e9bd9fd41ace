"""Get one pinned file: shipped, from the user's folder, or downloaded.

Its hash is checked before use.
"""

import hashlib
import os
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from slowpoints.data.registry import HOME, DataError, File, read_registry
from slowpoints.provenance.files import atomic

TIMEOUT_S = 30  # of silence; a slow download may take longer
CHUNK = 1 << 20


def fetch(file: File, *, data_dir: Path | None = None, home: Path = HOME) -> Path:
    """Return the path of a verified copy of `file`; download it when there is none."""
    found = find(file, data_dir=data_dir, home=home)
    if found is not None:
        return found
    target = home / "downloads" / file.name
    failures = []
    for url in file.urls:
        failure = _download(url, file, target)
        if failure is None:
            return target
        failures.append(f"{url}: {failure}")
    raise DataError(
        _missing(file, places(file, data_dir=data_dir, home=home), failures=failures, target=target)
    )


def find(file: File, *, data_dir: Path | None = None, home: Path = HOME) -> Path | None:
    """Return a verified copy that is already here, or None.

    Raise when a copy is not the pinned file.
    """
    if data_dir is not None and not file.is_shipped and not data_dir.is_dir():
        raise DataError(
            f"data_dir is {data_dir}, which is not a folder; looked there for {file.name}"
        )
    for place in places(file, data_dir=data_dir, home=home):
        wrong = mismatch(place, file) if place.is_file() else "absent"
        if wrong is None:
            return place
        is_flat = data_dir is not None and place == data_dir / Path(file.name).name
        if place.is_file() and not (is_flat and _is_namesake(place, file, home=home)):
            raise DataError(
                f"{place} is not the pinned {file.name}: {wrong}\n"
                "It was left as it is and not used. Replace it, or move it away to look elsewhere."
            )
    return None


def places(file: File, *, data_dir: Path | None, home: Path) -> list[Path]:
    """Return where a copy may lie: a shipped file at home only, others in sub-folders or flat."""
    if file.is_shipped:
        return [home / file.name]
    own = [] if data_dir is None else [data_dir / file.name, data_dir / Path(file.name).name]
    return [*dict.fromkeys(own), home / "downloads" / file.name]


def mismatch(path: Path, file: File) -> str | None:
    """Return how the content of `path` differs from the pinned `file`; None when it does not."""
    digest = digest_of(path, file.algorithm)
    if digest == file.digest:
        return None
    return (
        f"found {file.algorithm} {digest} ({path.stat().st_size} bytes), wanted "
        f"{file.digest} ({file.n_bytes} bytes)"
    )


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal hash of a file."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, algorithm).hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def _is_namesake(place: Path, file: File, *, home: Path) -> bool:
    """Return whether `place` is another pinned file of the same base name.

    MNIST and Fashion-MNIST call their files alike, so a flat folder can hold only one of them.
    """
    pinned = [other for dataset in read_registry(home).values() for other in dataset.files.values()]
    alike = [
        other for other in pinned if other != file and Path(other.name).name == Path(file.name).name
    ]
    return any(mismatch(place, other) is None for other in alike)


def _download(url: str, file: File, target: Path) -> str | None:
    """Put a verified copy from `url` at `target`; return what went wrong, None when all is well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    try:
        _stream(url, part, n_bytes=file.n_bytes)
        wrong = mismatch(part, file)
        if wrong is None:
            os.replace(part, target)
        return wrong
    except HTTPError as error:
        error.close()
        return str(error)
    except (OSError, HTTPException) as error:
        return str(error)
    finally:
        part.unlink(missing_ok=True)


def _stream(url: str, part: Path, *, n_bytes: int) -> None:
    """Copy `url` to `part`, giving up as soon as it is longer than it may be."""
    request = Request(url, headers={"User-Agent": "slowpoints"})
    with urlopen(request, timeout=TIMEOUT_S) as response, open(part, "xb") as f:
        while f.tell() <= n_bytes and (chunk := response.read(CHUNK)):
            f.write(chunk)


def _part(path: Path) -> Path:
    """Return a name beside `path` that no other process uses."""
    return path.with_name(f".{path.name}.{uuid4().hex}.part")


def _missing(file: File, looked: list[Path], *, failures: list[str], target: Path) -> str:
    """Return the message for a file that is nowhere."""
    lines = [f"{file.name} was not found ({file.n_bytes} bytes, {file.algorithm} {file.digest})."]
    lines += ["Looked for:", *(f"  {place}" for place in looked)]
    if failures:
        lines += ["Tried to download:", *(f"  {failure}" for failure in failures)]
    if file.is_shipped:
        return "\n".join([*lines, "It belongs to the project: restore it from version control."])
    return "\n".join(
        [*lines, f"Set data_dir to a folder that holds it, or put the file at {target}"]
    )
