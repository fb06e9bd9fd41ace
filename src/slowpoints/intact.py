"""Whether every result is what its job wrote: all checksums verified at once, also of what is not read again."""

import json
from pathlib import Path

from slowpoints import files
from slowpoints.files import BadResult
from slowpoints.records import read_arrays, read_records, read_table
from slowpoints.spec.canonical import digest


def damaged(folder: Path) -> tuple[int, list[BadResult]]:
    """Return how many results below `folder` carry a checksum, and those that are damaged; the site has but copies."""
    n_files, found = 0, []
    for path in sorted(folder.rglob("*")):
        if (
            path.name.startswith(".")
            or path.parent.name == "checkpoints"
            or path.suffix not in CHECKS
            or (folder / "site") in path.parents
        ):
            continue
        n_files += 1
        try:
            CHECKS[path.suffix](path)
        except BadResult as error:
            found.append(error)
    return n_files, found


def _records(path: Path) -> None:
    own = read_records(path)[0]["weights"]
    read_arrays(path.with_name(own["file"]), seal=own["sha256"])


def _json(path: Path) -> None:
    if path.parent.name == "plan":
        _plan(path)
    else:
        files.read_json(path)


def _plan(path: Path) -> None:
    """Raise unless a plan has the digest of its content."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        is_whole = plan.pop("digest") == digest(plan)
    except (ValueError, KeyError, AttributeError):
        is_whole = False
    if not is_whole:
        raise BadResult(path, "damaged (its digest does not match)")


def _figures(path: Path) -> None:
    for file in (path.with_suffix(".pdf"), path.with_suffix(".png")):
        files.check(file, beside=path)


CHECKS = {
    ".jsonl": _records,
    ".csv": read_table,
    ".safetensors": read_arrays,
    ".json": _json,
    ".sha256": _figures,
}
