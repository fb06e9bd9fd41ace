"""The pinned files and the data sets made of them, as written in `data/registry.json`."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from slowpoints import paths
from slowpoints.errors import SlowpointsError

HOME = paths.DATA  # registry.json, the shipped files, downloads/


class DataError(SlowpointsError):
    """A data file is missing, or is not the pinned one."""


class File(NamedTuple):
    """One pinned file; its name is also its path below the data folder."""

    name: str
    n_bytes: int
    algorithm: str  # "sha256", or "sha1" where the publisher's hash is all there is
    digest: str
    urls: tuple[str, ...]
    is_shipped: bool


class Member(NamedTuple):
    """The file inside an archive that is the data, pinned too."""

    name: str
    n_bytes: int
    sha1: str


class Dataset(NamedTuple):
    """A named data set: its files by role, how to read them, and how many items come out."""

    name: str
    format: str
    licence: str
    source: str
    counts: dict[str, int]
    files: dict[str, File]
    member: Member | None
    built_from: tuple[str, ...]


@cache
def read_registry(home: Path = HOME) -> dict[str, Dataset]:
    """Return every data set by name."""
    content = json.loads((home / "registry.json").read_text(encoding="utf-8"))
    files = {name: _file(name, entry) for name, entry in content["files"].items()}
    return {name: _dataset(name, entry, files=files) for name, entry in content["datasets"].items()}


def get_dataset(name: str, *, home: Path = HOME) -> Dataset:
    """Return the data set called `name`; the error lists the known names."""
    known = read_registry(home)
    if name not in known:
        raise DataError(f"unknown data set {name!r}; known: {', '.join(known)}")
    return known[name]


def _file(name: str, entry: dict) -> File:
    algorithm = "sha256" if entry["sha256"] else "sha1"
    return File(
        name=name,
        n_bytes=entry["bytes"],
        algorithm=algorithm,
        digest=entry[algorithm],
        urls=tuple(entry["urls"]),
        is_shipped=entry["shipped"],
    )


def _dataset(name: str, entry: dict, *, files: dict[str, File]) -> Dataset:
    member = entry.get("member")
    return Dataset(
        name=name,
        format=entry["format"],
        licence=entry["licence"],
        source=entry["source"],
        counts=entry["counts"],
        files={role: files[path] for role, path in entry["files"].items()},
        member=Member(member["name"], member["bytes"], member["sha1"]) if member else None,
        built_from=tuple(entry.get("built_from", ())),
    )
