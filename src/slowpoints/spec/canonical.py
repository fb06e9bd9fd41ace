"""One text for one set of settings.

Canonical JSON, its digest, and the shape that the runs of a stack share.
"""

import hashlib
import json
from typing import Any

from slowpoints.spec.parts import attribute
from slowpoints.spec.run import Blocks
from slowpoints.spec.settings import PER_RUN_NET
from slowpoints.spec.training import PER_RUN_TRAIN


def canonical(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def shape(blocks: Blocks, *names: str) -> dict[str, Any]:
    """Return those settings in the named blocks of a run that all runs of a stack must share."""
    free = {
        "task": attribute("tasks", blocks.task.name, "PER_RUN", ()),
        "net": PER_RUN_NET,
        "train": PER_RUN_TRAIN,
    }
    given = blocks.as_json()
    found = {name: {k: v for k, v in given[name].items() if k not in free[name]} for name in names}
    if "train" in names and blocks.train.regularise == "visited":  # their steps need final states
        found["train"]["regularise"] = "visited"
    if "train" in names and blocks.train.optimizer == "path_sgd":  # their steps weigh paths too
        found["train"]["optimizer"] = "path_sgd"
    return found
