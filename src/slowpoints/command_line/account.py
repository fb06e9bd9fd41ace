"""What a stage says of itself in its log: what it does and on what.

Then with what result, how long, and where it is.

The result is read from what was written, after it was written, so that no result depends on what is
said of it.
"""

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from slowpoints.command_line.options import FILE, Command

log = logging.getLogger("slowpoints")
READS = ("--needs",)


@contextmanager
def told(command: Command, args: argparse.Namespace) -> Iterator[None]:
    """Log what `command` does, and how it ended."""
    begun = time.monotonic()
    log.info("%s: %s", command.name, ", ".join(_given(command, args)))
    try:
        yield
    except BaseException as error:
        log.error(
            "%s failed after %.0f s (%s)%s",
            command.name,
            time.monotonic() - begun,
            type(error).__name__,
            _look_at(args),
        )
        raise
    written = [path for path in _written(command, args) if path.is_file()]
    result = RESULTS.get(command.name, lambda args: "")(args)
    log.info("done in %.1f s%s", time.monotonic() - begun, f": {result}" if result else "")
    for path in written:
        log.info("written: %s (%s bytes)", path, f"{path.stat().st_size:,}")


def _given(command: Command, args: argparse.Namespace) -> Iterator[str]:
    """Return what the command was asked for, in its own words; files it reads as their number."""
    for option, settings in command.options.items():
        name = option.strip("-").replace("-", "_")
        value = getattr(args, name)
        if value in (None, "", []) or (settings is FILE and option.startswith("--")):
            continue
        yield (
            f"{len(value)} files of {name}"
            if option in READS
            else f"{name} {value}".replace("name ", "", 1)
        )


def _written(command: Command, args: argparse.Namespace) -> list[Path]:
    own = [
        getattr(args, option.strip("-"))
        for option, settings in command.options.items()
        if settings is FILE
    ]
    return [path for path in own if path != getattr(args, "checkpoint", None)]


def _look_at(args: argparse.Namespace) -> str:
    """Return which file a person looks at after a failure, and what happens next."""
    if hasattr(args, "executed"):
        return f"; the notebook as far as it was executed, with the error: {args.executed}"
    checkpoint: Path | None = getattr(args, "checkpoint", None)
    if checkpoint is not None and checkpoint.is_file():
        return (
            f"; training goes on from {checkpoint} when the same snakemake command is given again"
        )
    return ""


def _trained(args: argparse.Namespace) -> str:
    """Return outcomes, how many solved their task, and the middle of each test metric."""
    from slowpoints.provenance.records import read_lines

    records = read_lines(args.records)
    outcomes = Counter(record["outcome"] for record in records)
    solved = sum(record["solved"] for record in records)
    parts = [
        f"{len(records)} networks "
        f"({', '.join(f'{n} {word}' for word, n in outcomes.most_common())})"
    ]
    parts.append(f"{solved} solved their task")
    parts.append(f"{max(record['steps'] for record in records):,} steps")
    for name in records[0]["metrics"]:
        values = [own for record in records if (own := record["metrics"][name]) is not None]
        parts += [f"median {name} {median(values):.4g}"] if values else []
    return "; ".join(parts)


def _rows(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n") - 2  # without its heading and its seal


def _tabled(args: argparse.Namespace) -> str:
    return f"{_rows(args.table if hasattr(args, 'table') else args.out)} rows"


def _judged(args: argparse.Namespace) -> str:
    from slowpoints.provenance.records import read_table

    verdicts = Counter(read_table(args.claims)["verdict"])
    return f"{sum(verdicts.values())} verdicts: " + ", ".join(
        f"{n} {word}" for word, n in verdicts.most_common()
    )


def _found(args: argparse.Namespace) -> str:
    manifest: dict[str, Any] = json.loads(args.out.read_text(encoding="utf-8"))
    counts = ", ".join(f"{n:,} {name}" for name, n in manifest["counts"].items())
    return f"{len(manifest['files'])} files verified; {counts}"


def _drawn(args: argparse.Namespace) -> str:
    return f"executed {args.executed}"


RESULTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "train": _trained,
    "analyse": _tabled,
    "authors": _tabled,
    "claims": _judged,
    "data": _found,
    "figure": _drawn,
}
