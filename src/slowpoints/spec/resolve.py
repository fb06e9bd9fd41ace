"""The settings of a run from what a YAML says: every default filled in, every value checked."""

from dataclasses import fields
from typing import Any

from slowpoints.spec import parts
from slowpoints.spec.run import Blocks
from slowpoints.spec.settings import NetBlock, NetSettings, TaskBlock
from slowpoints.spec.strict import SpecError, build, unknown
from slowpoints.spec.training import TrainSettings


def _check_front(net: NetSettings, task: TaskBlock, *, where: str) -> None:
    """Refuse a front for a task without frames, and one whose blocks leave nothing of them.

    Each halves both sides.
    """
    frames = parts.attribute("tasks", task.name, "FRAMES", {})
    if not frames:
        raise SpecError(
            f"{where}.front: task {task.name} shows no frames (tasks/{task.name}.py has no "
            "FRAMES); write front: none"
        )
    _, height, width = frames[task.settings.dataset]
    most = min(height, width).bit_length() - 1
    if net.front_blocks > most:
        raise SpecError(
            f"{where}.front_blocks: at most {most} for frames of {height} by {width} pixels, "
            f"found {net.front_blocks}"
        )


def _check_start(net: NetSettings, *, where: str) -> None:
    """Refuse what a cell's file says it cannot start as: `NEVER = {setting: {value: reason}}`."""
    for name, reasons in parts.attribute("cells", net.cell, "NEVER", {}).items():
        value = getattr(net, name)
        if value in reasons:
            raise SpecError(f"{where}.{name}: {value} is not for {net.cell}: {reasons[value]}")


def _check_paths(net: NetBlock, *, where: str) -> None:
    """Refuse Path-SGD for cells that are not rectified sums.

    Their files say which settings make them so: `RECTIFIED = {setting: value}`.
    """
    wanted = parts.attribute("cells", net.cell, "RECTIFIED", None)
    if wanted is None or net.front != "none" or any(
        getattr(net.own, name) != value for name, value in wanted.items()
    ):  # fmt: skip
        raise SpecError(
            f"{where}.optimizer: path_sgd is for rectified networks without gates or a front: cell "
            "irnn, or cell rnn with activation: relu"
        )


def resolve(
    task: dict[str, Any], net: dict[str, Any], train: dict[str, Any], *, where: str
) -> Blocks:
    """Return the three blocks with every default filled in and every value checked."""
    own_task = _task(task, where=f"{where}: task")
    own_net = _net(net, where=f"{where}: net")
    own_train = build(TrainSettings, train, where=f"{where}: train")
    _check_start(own_net, where=f"{where}: net")
    if own_train.regularise != "none" and not parts.attribute(
        "tasks", own_task.name, "noise", None
    ):
        raise SpecError(
            f"{where}: train.regularise: task {own_task.name} has no noise under which states "
            "could move"
        )
    if own_train.optimizer == "path_sgd":
        _check_paths(own_net, where=f"{where}: train")
    if own_net.front != "none":
        _check_front(own_net, own_task, where=f"{where}: net")
    return Blocks(own_task, own_net, own_train)


def _task(block: dict[str, Any], *, where: str) -> TaskBlock:
    cls = parts.named("tasks", block, key="name", where=where)
    own = {key: value for key, value in block.items() if key != "name"}
    return TaskBlock(block["name"], build(cls, own, where=where))


def _net(block: dict[str, Any], *, where: str) -> NetBlock:
    cls = parts.named("cells", block, key="cell", where=where)
    own = {field.name for field in fields(cls)}
    common = {field.name for field in fields(NetSettings)}
    for key in block:
        if key not in own | common:
            raise unknown(key, own | common, what="key", where=where)
    of_all = build(
        NetSettings, {key: value for key, value in block.items() if key not in own}, where=where
    )
    of_cell = build(cls, {key: value for key, value in block.items() if key in own}, where=where)
    return NetBlock(**vars(of_all), own=of_cell)
