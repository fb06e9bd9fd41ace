"""The settings of one run: those of every network, and those that its cell and its task declare."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from slowpoints.spec import parts
from slowpoints.spec.strict import SpecError, build, unknown
from slowpoints.spec.training import TrainSettings

PerStream = float | dict[str, float]  # one number for all, or {name: number}; `engine.initialise` knows the names


@dataclass(frozen=True)
class NetSettings:
    """What every network has; a cell's own settings stand beside these in the `net` block."""

    cell: str
    units: int | None = None
    budget: int | None = None  # parameters: the largest number of units that fits
    depth: int = 1
    initial_state: Literal["zero", "learned"] = "zero"
    keep_bias: PerStream = 0.0  # added to the biases of the gates that keep the state
    recurrent_init: Literal["orthogonal", "identity", "normal", "xavier"] = "orthogonal"
    recurrent_scale: PerStream = 1.0
    input_init: Literal["normal", "xavier"] = "normal"
    input_scale: PerStream = 1.0
    bias_init: Literal["normal", "constant"] = "normal"
    bias_scale: PerStream = 0.0  # of the normal distribution, or the constant, which may be negative
    front: Literal["none", "conv"] = "none"  # what frames pass before the recurrence (Haviv et al. 2019, CIFAR-10)
    front_maps: int = 128
    front_blocks: int = 3
    front_widths: tuple[int, ...] = (2048, 2048, 1024)  # of its full layers

    def __post_init__(self) -> None:
        if (self.units is None) == (self.budget is None):
            raise ValueError("give exactly one of units (per layer) and budget (parameters in all)")
        for name in ("units", "budget", "depth"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        for name in ("front_maps", "front_blocks", "front_widths"):
            value = getattr(self, name)
            if min(value if name == "front_widths" else [value], default=1) < 1:
                raise ValueError(f"{name} must be at least 1, found {value}")


# What may differ between the runs of one stack; everything else is part of the stack's shape.
PER_RUN_NET = (
    "keep_bias",
    "recurrent_init",
    "recurrent_scale",
    "input_init",
    "input_scale",
    "bias_init",
    "bias_scale",
)


def _check_front(net: NetSettings, task: str, settings: dict[str, Any], *, where: str) -> None:
    """Refuse a front for a task without frames, and one whose blocks leave nothing of them: each halves both sides."""
    frames = parts.attribute("tasks", task, "FRAMES", {})
    if not frames:
        raise SpecError(
            f"{where}.front: task {task} shows no frames (tasks/{task}.py has no FRAMES); write front: none"
        )
    _, height, width = frames[settings["dataset"]]
    most = min(height, width).bit_length() - 1
    if net.front_blocks > most:
        raise SpecError(
            f"{where}.front_blocks: at most {most} for frames of {height} by {width} pixels, found {net.front_blocks}"
        )


def _check_start(net: dict[str, Any], *, where: str) -> None:
    """Refuse what a cell's file says it cannot start as: `NEVER = {setting: {value: reason}}`."""
    for name, reasons in parts.attribute("cells", net["cell"], "NEVER", {}).items():
        if net[name] in reasons:
            raise SpecError(f"{where}.{name}: {net[name]} is not for {net['cell']}: {reasons[net[name]]}")


def resolve(task: dict[str, Any], net: dict[str, Any], train: dict[str, Any], *, where: str) -> dict[str, Any]:
    """Return the three blocks with every default filled in and every value checked."""
    task_class = parts.named("tasks", task, key="name", where=f"{where}: task")
    task_values = build(task_class, {k: v for k, v in task.items() if k != "name"}, where=f"{where}: task")
    cell_class = parts.named("cells", net, key="cell", where=f"{where}: net")
    own = {f.name for f in fields(cell_class)}
    common = {f.name for f in fields(NetSettings)}
    for key in net:
        if key not in own | common:
            raise unknown(key, own | common, what="key", where=f"{where}: net")
    net_values = build(NetSettings, {k: v for k, v in net.items() if k not in own}, where=f"{where}: net")
    cell_values = build(cell_class, {k: v for k, v in net.items() if k in own}, where=f"{where}: net")
    _check_start(vars(net_values), where=f"{where}: net")
    train_values = build(TrainSettings, train, where=f"{where}: train")
    if train_values.regularise != "none" and not parts.attribute("tasks", task["name"], "noise", None):
        raise SpecError(f"{where}: train.regularise: task {task['name']} has no noise under which states could move")
    if net_values.front != "none":
        _check_front(net_values, task["name"], vars(task_values), where=f"{where}: net")
    return {
        "task": {"name": task["name"]} | vars(task_values),
        "net": vars(net_values) | vars(cell_values),
        "train": vars(train_values),
    }
