"""Whether every result is what its job wrote.

All checksums verified at once, also of what is not read again.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from slowpoints import paths
from slowpoints.provenance import files
from slowpoints.provenance.files import BadResult
from slowpoints.provenance.records import read_arrays, read_lines, read_table
from slowpoints.spec.canonical import digest

PLANNED = ("plan", "runs", "tables")  # folders of an experiment whose files the plan names


class Checked(NamedTuple):
    """What became of the checksums of one scale."""

    n_files: int  # results that carry one
    damaged: list[BadResult]
    # of older plans: nothing reads them, and no command could build them again
    leftovers: list[Path]


def check(folder: Path, *, planned: Iterable[str]) -> Checked:
    """Verify all results below `folder` that are `planned`, files of runs and tables.

    The site has but copies.
    """
    known = {_of(Path(path)) for path in planned}
    n_files, damaged, leftovers = 0, [], []
    for path in sorted(folder.rglob("*")):
        if (
            path.name.startswith(".")
            or path.parent.name == "checkpoints"
            or (folder / "site") in path.parents
        ):
            continue
        if path.parent.name in PLANNED and path.is_file() and _of(path) not in known:
            leftovers.append(path)
        elif path.suffix in CHECKS:
            n_files += 1
            try:
                CHECKS[path.suffix](path)
            except BadResult as error:
                damaged.append(error)
    return Checked(n_files, damaged, leftovers)


def _of(path: Path) -> tuple[str, str, str]:
    """Return whose file this is: experiment, tables or runs, stack or analysis."""
    kind = "tables" if path.parent.name == "tables" else "runs"  # a plan is a stack's too
    return (
        path.parents[1].name,
        kind,
        path.name.removesuffix(paths.PROVENANCE).removesuffix(path.suffix),
    )


def _records(path: Path) -> None:
    own = read_lines(path)[0]["weights"]
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
