"""How large a network is at least, and which streams it has: asked of its cell and its task."""

import json
from functools import cache
from typing import Any

from slowpoints.spec import parts
from slowpoints.spec.stand_in import import_module
from slowpoints.spec.strict import SpecError, unknown


def check_streams(net: dict[str, Any], *, where: str) -> None:
    """Refuse a number for a stream that the cell does not have.    net: a resolved block"""
    network = import_module("slowpoints.cells.network")
    if not any(isinstance(net[setting], dict) for setting in network.BY_STREAM):
        return
    for setting, known in network.named_streams(_cell(net)).items():
        for stream in net[setting] if isinstance(net[setting], dict) else ():
            if stream not in known:
                raise unknown(stream, known, what=f"stream of {net['cell']}", where=f"{where}.{setting}")


def check_budget(task: dict[str, Any], net: dict[str, Any], *, where: str) -> None:
    """Refuse a budget under which not even one unit fits."""
    if net["budget"] is None:
        return
    least = _of_one_unit(json.dumps([task, net], sort_keys=True))
    if net["budget"] < least:
        raise SpecError(
            f"{where}.budget: one unit of {net['cell']} takes {least} parameters here, found {net['budget']}"
        )


@cache
def _of_one_unit(text: str) -> int:
    """Return the parameters of a network of one unit per layer, once per task and net of a plan."""
    task, net = json.loads(text)
    n_in, n_out, frame = _of_task(task)
    network = import_module("slowpoints.cells.network")
    one = network.from_settings(_cell(net), net, n_in=n_in, n_out=n_out, frame=frame, units=1)
    found: int = network.count_parameters(one)
    return found


def _of_task(task: dict[str, Any]) -> tuple[int, int, tuple[int, int, int] | None]:
    """Return the inputs and outputs of a task, and its frames if it shows any."""
    file = parts.file_of("tasks", task["name"])
    parts.load("tasks", task["name"])
    module = import_module("slowpoints.tasks").load(task["name"])
    settings = module.settings(task)
    try:
        n_in, n_out = module.n_in(settings), module.n_out(settings)
        frame = module.frame(settings)
    except Exception as error:
        raise SpecError(f"{file}: n_in and n_out must work without torch: {error}") from None
    for name, found in (("n_in", n_in), ("n_out", n_out)):
        if not isinstance(found, int):
            raise SpecError(f"{file}: {name} must return a whole number, without torch; found {found!r}")
    return n_in, n_out, frame


def _cell(net: dict[str, Any]) -> Any:
    """Return the cell that a resolved `net` block names."""
    module = parts.load("cells", net["cell"])
    try:
        return module.build(parts.own_settings("cells", net["cell"], net))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SpecError(f"{parts.file_of('cells', net['cell'])}: build(settings): {error}") from None
