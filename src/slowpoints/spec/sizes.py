"""How large a network is at least, and which streams it has: asked of its cell and its task."""

import dataclasses
from functools import cache
from typing import Any

from slowpoints.spec import parts
from slowpoints.spec.settings import NetBlock, TaskBlock
from slowpoints.spec.stand_in import import_module
from slowpoints.spec.strict import SpecError, unknown


def check_streams(net: NetBlock, *, where: str) -> None:
    """Refuse a number for a stream that the cell does not have."""
    network = import_module("slowpoints.cells.network")
    given = {
        setting: value
        for setting in network.BY_STREAM
        if isinstance(value := getattr(net, setting), dict)
    }
    known = network.named_streams(_cell(net)) if given else {}
    for setting, by_stream in given.items():
        for stream in by_stream:
            if stream not in known[setting]:
                raise unknown(
                    stream, known[setting], what=f"stream of {net.cell}", where=f"{where}.{setting}"
                )


def check_budget(task: TaskBlock, net: NetBlock, *, where: str) -> None:
    """Refuse a budget under which not even one unit fits."""
    if net.budget is None:
        return
    shape = dataclasses.replace(
        net, keep_bias=0.0, recurrent_scale=1.0, input_scale=1.0, bias_scale=0.0
    )
    least = _of_one_unit(task, shape)
    if net.budget < least:
        raise SpecError(
            f"{where}.budget: one unit of {net.cell} takes {least} parameters here, found "
            f"{net.budget}"
        )


@cache
def _of_one_unit(task: TaskBlock, net: NetBlock) -> int:
    """Return the parameters of a network of one unit per layer, once per task and net of a plan."""
    n_in, n_out, frame = _of_task(task)
    network = import_module("slowpoints.cells.network")
    one = network.from_settings(_cell(net), net, n_in=n_in, n_out=n_out, frame=frame, units=1)
    found: int = network.count_parameters(one)
    return found


def _of_task(block: TaskBlock) -> tuple[int, int, tuple[int, int, int] | None]:
    """Return the inputs and outputs of a task, and its frames if it shows any."""
    file = parts.file_of("tasks", block.name)
    parts.load("tasks", block.name)
    task = import_module("slowpoints.tasks").load(block.name)
    try:
        n_in = task.n_in(block.settings)
        n_out = task.n_out(block.settings)
        frame = task.frame(block.settings)
    except Exception as error:
        raise SpecError(f"{file}: n_in and n_out must work without torch: {error}") from None
    for name, found in (("n_in", n_in), ("n_out", n_out)):
        if not isinstance(found, int):
            raise SpecError(
                f"{file}: {name} must return a whole number, without torch; found {found!r}"
            )
    return n_in, n_out, frame


def _cell(net: NetBlock) -> Any:
    """Return the cell that a `net` block names."""
    module = parts.load("cells", net.cell)
    try:
        return module.build(net.own)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SpecError(f"{parts.file_of('cells', net.cell)}: build(settings): {error}") from None
