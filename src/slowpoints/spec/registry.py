"""The list of pinned data, read strictly while planning.

A pin that is mistyped must not become a pin that is none.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from slowpoints.spec.strict import SpecError, build, shown, unknown

LENGTHS = {"sha256": 64, "sha1": 40}


@dataclass(frozen=True)
class FileEntry:
    """One pinned file, under its path below the data folder."""

    shipped: bool
    bytes: int
    sha256: str | None
    urls: tuple[str, ...]
    sha1: str | None = None

    def __post_init__(self) -> None:
        if self.bytes < 1:
            raise ValueError(f"bytes must be at least 1, found {self.bytes}")
        if self.sha256 is None and self.sha1 is None:
            raise ValueError(
                "pin the file: sha256, or sha1 where the publisher's hash is all there is"
            )
        for name, length in LENGTHS.items():
            if (value := getattr(self, name)) is not None and not re.fullmatch(
                rf"[0-9a-f]{{{length}}}", value
            ):
                raise ValueError(f"{name} is {length} hexadecimal digits, found {shown(value)}")
        for url in self.urls:
            if not re.fullmatch(r"https?://[^\s]+", url):
                raise ValueError(f"urls: expected https://..., found {shown(url)}")


@dataclass(frozen=True)
class DatasetEntry:
    """One named data set: its files by role, how they are read, how many items come out."""

    format: Literal["idx", "cifar-archive", "cifar-xz", "text", "zip", "pickles"]
    licence: str
    source: str
    counts: dict[str, int]
    files: dict[str, str]
    member: dict[str, Any] = field(default_factory=dict)
    built_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.files or not self.counts or min(self.counts.values()) < 1:
            raise ValueError("files and counts name at least one each, and count from 1")
        if bool(self.member) != (self.format == "zip") or (
            self.member and set(self.member) != {"name", "bytes", "sha1"}
        ):
            raise ValueError(
                "member: name, bytes and sha1 of the file inside; for the format zip, and for "
                "it alone"
            )


def check(path: Path) -> dict[str, Any]:
    """Return what is in data/registry.json, checked.

    Every mistake is an error that names the place.
    """
    where = "data/registry.json"
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_once, parse_constant=_refuse
        )
    except (OSError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise SpecError(f"{where}: not a JSON file: {error}") from None
    except ValueError as error:
        raise SpecError(f"{where}: {error}") from None
    if not isinstance(content, dict) or set(content) != {"files", "datasets"}:
        raise SpecError(f"{where}: expected two mappings, files and datasets")
    files = _built(FileEntry, content["files"], where=f"{where}: files")
    datasets = _built(DatasetEntry, content["datasets"], where=f"{where}: datasets")
    for name in files:
        if (
            PurePosixPath(name).is_absolute()
            or ".." in PurePosixPath(name).parts
            or not re.fullmatch(r"[\w./-]+", name)
        ):
            raise SpecError(
                f"{where}: files: {name!r} must be a path below the data folder, in letters, "
                "digits and . _ / -"
            )
    for name, own in datasets.items():
        for role, file in own.files.items():
            if file not in files:
                raise unknown(
                    file, files, what="file", where=f"{where}: datasets.{name}.files.{role}"
                )
        for other in own.built_from:
            if other not in datasets:
                raise unknown(
                    other, datasets, what="data set", where=f"{where}: datasets.{name}.built_from"
                )
    return content


def _built(cls: type[Any], entries: Any, *, where: str) -> dict[str, Any]:
    if not isinstance(entries, dict):
        raise SpecError(f"{where}: expected a mapping of names, found {shown(entries)}")
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise SpecError(f"{where}.{name}: expected a mapping, found {shown(entry)}")
    return {name: build(cls, entry, where=f"{where}.{name}") for name, entry in entries.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping without keys that are given twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} is given twice; keep one")
        found[key] = value
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not a number")
