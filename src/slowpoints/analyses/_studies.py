"""Studies: the trials of one arm at one sweep point, or the reruns of their best setting."""

from typing import Any


def columns(records: list[dict[str, Any]]) -> list[str]:
    """Return the columns of the table of trials that tell one study from another, `phase` among them."""
    point = (key.split(".")[-1] for key in records[0]["sweep"])
    return list(dict.fromkeys(["experiment", "arm", "cell", "depth", *point]))
