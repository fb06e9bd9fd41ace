"""Results on disk: records, tables, arrays.

Written whole or not at all, each with its own checksum.

A record is one JSON line that describes one run. A table is a CSV file with one row per run or
point. Readers verify the checksum and say how to rebuild a damaged file.
"""

import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slowpoints.provenance.files import BadResult as BadResult
from slowpoints.provenance.files import atomic, sealed_json, sha256, write_text
from slowpoints.provenance.record import Record, Trained, record_from
from slowpoints.spec.strict import SpecError

if TYPE_CHECKING:
    import pandas as pd

MARK = "# sha256: "
HISTORY = "history."  # begins the names of weights kept on the way


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write one JSON object, sealed by a checksum among its keys."""
    write_text(path, sealed_json(values))


def _sealed(body: str) -> str:
    return f"{body}{MARK}{sha256(body.encode())}\n"


def _unsealed(path: Path) -> str:
    """Return the content of a sealed text file without its last line, verified."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise BadResult(
            path, "missing" if isinstance(error, FileNotFoundError) else "damaged"
        ) from None
    body, mark, seal = text.rpartition(MARK)
    if not mark or sha256(body.encode()) != seal.strip():
        raise BadResult(path, "damaged (its checksum does not match)")
    return body


def write_records(path: Path, records: list[Record]) -> None:
    """Write one JSON line per run, sealed by a checksum."""
    write_lines(path, [record.as_json() for record in records])


def write_lines(path: Path, contents: list[dict[str, Any]]) -> None:
    """Write one JSON line per mapping, sealed by a checksum."""
    lines = (json.dumps(content, sort_keys=True, allow_nan=False) + "\n" for content in contents)
    write_text(path, _sealed("".join(lines)))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return what a record file says, verified, one mapping per line."""
    return [json.loads(line) for line in _unsealed(path).splitlines()]


def read_records(path: Path) -> list[Record]:
    """Return the records in `path`, verified."""
    try:
        return [record_from(content) for content in read_lines(path)]
    except (SpecError, KeyError) as error:
        raise BadResult(path, f"from another version of the project ({error})") from None


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV, sealed by a checksum; floats keep all their digits."""
    write_text(path, _sealed(table.to_csv(index=False, lineterminator="\n")))


def read_table(path: str | Path) -> "pd.DataFrame":
    """Return the table in `path`, verified."""
    import pandas as pd

    return pd.read_csv(io.StringIO(_unsealed(Path(path))), keep_default_na=True)


def _content(arrays: dict[str, np.ndarray]) -> str:
    """Return the sha256 over names, types, shapes and bytes of `arrays`."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    return total.hexdigest()


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> str:
    """Write named arrays as safetensors and return the checksum of their content."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    seal = _content(whole)
    with atomic(path) as temporary:
        try:
            save_file(whole, temporary, metadata={"sha256": seal})
        except SafetensorError as error:  # which says the system's errors in words of its own
            number = re.search(r"os error (\d+)", str(error))
            raise (
                OSError(int(number[1]), os.strerror(int(number[1]))) if number else error
            ) from None
    return seal


def read_arrays(path: Path, *, seal: str | None = None) -> dict[str, np.ndarray]:
    """Return the arrays in `path`, verified against their own checksum and, where given, against
    `seal`.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            own = (file.metadata() or {}).get("sha256")
    except (FileNotFoundError, SafetensorError, OSError) as error:
        raise BadResult(path, f"missing or damaged ({error})") from None
    if _content(arrays) != own:
        raise BadResult(path, "damaged (its checksum does not match)")
    if seal is not None and seal != own:
        raise BadResult(path, "not the file that its records describe")
    return arrays


def identity(record: Trained) -> dict[str, Any]:
    """Return the columns that name a run in every table."""
    run = record.run
    point = {key.split(".")[-1]: value for key, value in run.sweep.items()}
    return (
        {"run": run.id, "experiment": run.experiment, "arm": run.arm, "seed": run.seed}
        | {"n_parameters": record.n_parameters, "outcome": record.outcome}
        | {
            "cell": run.net.cell,
            "units": record.units,
            "depth": run.net.depth,
            "curriculum": run.train.curriculum,
        }
        | {key: value for key, value in point.items() if key not in ("units",)}
    )


def numerics(record: Record) -> dict[str, str]:
    """Return the version of the numerics of a record.

    What changes numbers by more than the rounding of a machine.

    CPU kind, engine and threads are left out: they change the rounding alone, and a cluster has
    several.
    """
    facts = record.facts
    versions = {name: facts.versions[name] for name in ("torch", "numpy")}
    kind = "cpu" if facts.device.startswith("cpu") else "gpu"
    return versions | {
        "env": facts.digests["env"],
        "device": kind,
        "matmul": facts.matmul,
        "dtype": facts.dtype,
    }


def check_one_version(files: dict[Path, list[Record]]) -> None:
    """Refuse to mix records of different numerics.

    The code counts by cell and task, whose own code is part of it.
    """
    found: dict[str, dict[str, list[Path]]] = {}
    for path, records in files.items():
        for record in records:
            code = {
                f"code of {record.net.cell} on {record.task.name}": record.facts.digests["code"]
            }
            for key, value in (numerics(record) | code).items():
                found.setdefault(key, {}).setdefault(value, []).append(path)
    for key, by_value in found.items():
        if len(by_value) > 1:
            few, *_, most = sorted(by_value, key=lambda value: len(by_value[value]))
            raise BadResult(
                by_value[few][0],
                f"its {key} is {few}, that of most records beside it {most}: they are not mixed",
            )
