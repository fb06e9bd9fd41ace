"""The settings of one run: the network, and the settings classes that cells and tasks declare.

Cell, task and analysis files declare `class Settings` themselves. Planning reads that one class from the file's syntax
tree and never imports the file, so that it needs no torch.
"""

import ast
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from slowpoints.spec.strict import SpecError, build, unknown
from slowpoints.spec.training import TrainSettings

PACKAGE = Path(__file__).resolve().parents[1]

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


# What the file of every task has besides its class Settings, as tasks/adding.py explains.
TASK_FUNCTIONS = ("n_in", "n_out", "n_read", "world", "sample", "evaluation", "loss", "score", "solved", "constant",
                  "baseline")  # fmt: skip
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


def names(folder: str) -> list[str]:
    """Return the public files of a registry folder (`cells`, `tasks`, `analyses`): the names a YAML may use."""
    files = (p.stem for p in (PACKAGE / folder).glob("*.py") if not p.name.startswith("_"))
    return sorted(n for n in files if _settings_node(folder, n) is not None)


@cache
def tree(folder: str, name: str) -> ast.Module:
    """Return the syntax tree of a file of a registry folder, read once."""
    try:
        return ast.parse((PACKAGE / folder / f"{name}.py").read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise SpecError(f"{_file(folder, name)}, line {error.lineno}: not Python: {error.msg}") from None


def _file(folder: str, name: str) -> str:
    """Return the file of a registry folder as messages name it."""
    return f"src/{PACKAGE.name}/{folder}/{name}.py"


@cache
def _settings_node(folder: str, name: str) -> ast.ClassDef | None:
    """Return the `class Settings` of one file; of the file of this folder it is imported from, where it is imported."""
    for node in tree(folder, name).body:
        if isinstance(node, ast.ClassDef) and node.name == "Settings":
            return node
        if isinstance(node, ast.ImportFrom) and any(alias.name == "Settings" for alias in node.names):
            package, _, source = (node.module or "").rpartition(".")
            if package == f"{PACKAGE.name}.{folder}":
                return _settings_node(folder, source)
    return None


@cache
def settings_class(folder: str, name: str) -> type[Any]:
    """Return the `Settings` dataclass of one file, built from its syntax tree alone."""
    node = _settings_node(folder, name)
    if node is None:
        raise KeyError(f"{folder}/{name}.py has no class Settings")
    space: dict[str, Any] = {"dataclass": dataclass, "Literal": Literal, "__name__": __name__}
    try:
        exec(compile(ast.Module([node], []), f"{folder}/{name}.py", "exec"), space)
        cls: type[Any] = space["Settings"]
        own = cls.__annotations__
        cls.__annotations__ = {k: v if not isinstance(v, str) else eval(v, space) for k, v in own.items()}
    except (NameError, AttributeError, TypeError, ValueError) as error:
        raise SpecError(
            f"{_file(folder, name)}: class Settings is read alone while planning, so it may use dataclass, Literal and "
            f"what Python has built in, and no other name of the file: {error}"
        ) from None
    return cls


def literal(folder: str, name: str, variable: str, default: Any) -> Any:
    """Return the literal value of a module-level constant (`PER_RUN`, `NEEDS`), without importing the file."""
    for node in tree(folder, name).body:
        if isinstance(node, ast.Assign):
            targets: list[ast.expr] = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if isinstance(targets[0], ast.Name) and targets[0].id == variable and node.value is not None:
            return ast.literal_eval(node.value)
    return default


def defines(folder: str, name: str, function: str) -> bool:
    """Return whether a file has a function of this name, its own or imported, without importing the file."""
    return function in _names_in(folder, name)


@cache
def _names_in(folder: str, name: str) -> set[str]:
    """Return the names that a file gives to functions, imports and values."""
    found: set[str] = set()
    for node in tree(folder, name).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _check_functions(task: str) -> None:
    """Refuse a task whose file lacks one of the functions that every task has."""
    if missing := [function for function in TASK_FUNCTIONS if not defines("tasks", task, function)]:
        raise SpecError(
            f"{_file('tasks', task)}: lacks {', '.join(missing)}; define them, or import them from another task"
        )


def defines_setting(folder: str, name: str, setting: str) -> bool:
    """Return whether the `Settings` of a file have a field of this name."""
    return any(f.name == setting for f in fields(settings_class(folder, name)))


def check_named(folder: str, block: dict[str, Any], *, key: str, where: str) -> type[Any]:
    """Return the settings class of the file that `block[key]` names."""
    if key not in block:
        raise SpecError(f"{where}: missing {key}")
    known = names(folder)
    if block[key] not in known and (PACKAGE / folder / f"{block[key]}.py").is_file():
        raise SpecError(f"{_file(folder, block[key])}: lacks class Settings, a frozen dataclass of its settings")
    if block[key] not in known:
        raise unknown(block[key], known, what=folder.removesuffix("s"), where=f"{where}.{key}")
    return settings_class(folder, block[key])


def _check_front(net: NetSettings, task: str, settings: dict[str, Any], *, where: str) -> None:
    """Refuse a front for a task without frames, and one whose blocks leave nothing of them: each halves both sides."""
    frames = literal("tasks", task, "FRAMES", {})
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
    for name, reasons in literal("cells", net["cell"], "NEVER", {}).items():
        if net[name] in reasons:
            raise SpecError(f"{where}.{name}: {net[name]} is not for {net['cell']}: {reasons[net[name]]}")


def resolve(task: dict[str, Any], net: dict[str, Any], train: dict[str, Any], *, where: str) -> dict[str, Any]:
    """Return the three blocks with every default filled in and every value checked."""
    task_class = check_named("tasks", task, key="name", where=f"{where}: task")
    _check_functions(task["name"])
    task_values = build(task_class, {k: v for k, v in task.items() if k != "name"}, where=f"{where}: task")
    cell_class = check_named("cells", net, key="cell", where=f"{where}: net")
    own = {f.name for f in fields(cell_class)}
    common = {f.name for f in fields(NetSettings)}
    for key in net:
        if key not in own | common:
            raise unknown(key, own | common, what="key", where=f"{where}: net")
    net_values = build(NetSettings, {k: v for k, v in net.items() if k not in own}, where=f"{where}: net")
    cell_values = build(cell_class, {k: v for k, v in net.items() if k in own}, where=f"{where}: net")
    _check_start(vars(net_values), where=f"{where}: net")
    train_values = build(TrainSettings, train, where=f"{where}: train")
    if train_values.regularise != "none" and not defines("tasks", task["name"], "noise"):
        raise SpecError(f"{where}: train.regularise: task {task['name']} has no noise under which states could move")
    if net_values.front != "none":
        _check_front(net_values, task["name"], vars(task_values), where=f"{where}: net")
    return {
        "task": {"name": task["name"]} | vars(task_values),
        "net": vars(net_values) | vars(cell_values),
        "train": vars(train_values),
    }
