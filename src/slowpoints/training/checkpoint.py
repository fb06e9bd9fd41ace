"""The state of a training job on disk: a killed job goes on from it and ends with the same bytes.

Checkpoints live beside the results at a path the workflow does not declare, are replaced whole, and
carry the digest of the plan and the code; one that is damaged or belongs to another plan is left
aside, with a line that says so.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slowpoints.provenance.records import BadResult, read_arrays, write_arrays

STATE = "state"


class Checkpoint(NamedTuple):
    """Arrays by name, and the counters and curves as plain JSON values."""

    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint, *, key: str) -> None:
    """Replace the checkpoint at `path`; `key` names the plan and code it belongs to."""
    text = json.dumps({"key": key, "state": checkpoint.state})
    write_arrays(path, checkpoint.arrays | {STATE: np.frombuffer(text.encode(), dtype=np.uint8)})


def restore(path: Path, *, key: str) -> tuple[Checkpoint | None, str]:
    """Return (checkpoint or None, a line for the log)."""
    if not path.exists():
        return None, "starting from step 0"
    try:
        arrays = read_arrays(path)
    except BadResult as error:
        return None, f"checkpoint left aside: {error.args[0].split(';')[0]}; starting from step 0"
    content = json.loads(arrays.pop(STATE).tobytes().decode())
    if content["key"] != key:
        return (
            None,
            f"checkpoint left aside: {path} belongs to another plan or code; starting from step 0",
        )
    return Checkpoint(arrays, content["state"]), f"continuing from {path}"
