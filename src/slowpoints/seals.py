"""Checksums of results that have no place for one of their own kind: JSON with a key, figures with a file beside them.

Needs the standard library only: the environment of the paper has no more.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

KEY = "sha256"


class BadResult(RuntimeError):
    """A result file that is damaged or of another version: which one, and how to rebuild it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}; rebuild it with: snakemake --cores 2 --forcerun {path}")


def sha256(data: bytes) -> str:
    """Return the hexadecimal sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sealed_json(values: dict[str, Any]) -> str:
    """Return `values` as JSON, one key more: the checksum of the others."""
    return _text(values | {KEY: sha256(_text(values).encode())})


def _text(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """Return the values in a sealed JSON file, verified, without the checksum."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadResult(path, "missing") from None
    except ValueError:
        raise BadResult(path, "damaged (it is no JSON)") from None
    if not isinstance(values, dict) or values.pop(KEY, None) != sha256(_text(values).encode()):
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
    if listed.get(file.name) != found:
        raise BadResult(file, f"damaged (its checksum is not the one in {beside.name})")
