"""Which streams a cell has, read from its file without importing it: a misspelt one is seen while planning."""

import __future__

import ast
import contextlib
import itertools
import json
import math
from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from slowpoints.spec.settings import literal, tree
from slowpoints.spec.strict import SpecError, unknown

# Of the decorator `cell`:
READ = ("streams", "projections", "second", "recurrent", "keep", "embeds", "output_map", "states", "emitted")


class _Anything:
    """Stands for what planning has no use for: functions on tensors."""

    def __getattr__(self, name: str) -> "_Anything":
        return self

    def __getitem__(self, key: Any) -> "_Anything":
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> "_Anything":
        return self


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return _Anything()


class _Stream(NamedTuple):
    name: str
    of: str = "input"
    affine: bool = True
    through: Any = None


def known_parts(cell: str, settings: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return {setting: names it may be given by} for the settings that are one number, or numbers by stream."""
    told = _told(cell, settings)
    streams = _streams(told)
    second, recurrent = told.get("second", ()), told.get("recurrent", True)
    projected = told.get("projections", tuple(own.name for own in streams if own.name not in second))
    matrices = [own.name for own in streams if own.affine and own.of != "nothing"]
    matrices += ["embed"] * told.get("embeds", False) + ["out"] * bool(told.get("output_map")) + ["readout"]
    return {
        "keep_bias": told.get("keep", ()),
        "recurrent_scale": (*projected, *second) if recurrent else (),
        "input_scale": tuple(matrices),
        "bias_scale": tuple(matrices),
    }


def _streams(told: dict[str, Any]) -> list[_Stream]:
    return [own if isinstance(own, _Stream) else _Stream(own) for own in told["streams"]]


def least_parameters(net: dict[str, Any], *, n_in: int, n_out: int, frame: Sequence[int] = ()) -> int:
    """Return the number of parameters of a network of one unit per layer, as the engine counts them."""
    told = _told(net["cell"], net)
    affine = [own for own in _streams(told) if own.affine and own.of != "nothing"]
    projected = len(known_parts(net["cell"], net)["recurrent_scale"])
    total, seen = (0, n_in) if net["front"] == "none" else _front(net, frame=frame, n_in=n_in)
    for layer in range(net["depth"]):
        width = seen if layer == 0 else 1
        if told.get("embeds", False) and layer == 0:
            total, width = total + width + 1, 1
        total += sum((width if own.of == "input" else 1) + 1 for own in affine)
        total += sum(own.of == "nothing" for own in _streams(told)) + projected
        total += (told.get("emitted", 1) + 1) * bool(told.get("output_map"))
        total += len(told.get("states", ("h",))) * (net["initial_state"] == "learned")
    return total + 2 * n_out


def _front(net: dict[str, Any], *, frame: Sequence[int], n_in: int) -> tuple[int, int]:
    """Return (parameters of the convolutional front, inputs of the layer above it)."""
    maps = [frame[0]] + [net["front_maps"]] * net["front_blocks"]
    convolved = sum(own * (9 * below + 1) for below, own in itertools.pairwise(maps))
    left = math.prod(side >> net["front_blocks"] for side in frame[1:])
    widths = [maps[-1] * left, *net["front_widths"]]
    full = sum(own * (below + 1) for below, own in itertools.pairwise(widths))
    return convolved + full, widths[-1] + n_in - math.prod(frame)


def check_budget(task: dict[str, Any], net: dict[str, Any], *, where: str) -> None:
    """Refuse a budget under which not even one unit fits."""
    if net["budget"] is not None and net["budget"] < (least := _least(json.dumps([task, net], sort_keys=True))):
        raise SpecError(
            f"{where}.budget: one unit of {net['cell']} takes {least} parameters here, found {net['budget']}"
        )


@cache
def _least(text: str) -> int:
    """Return the parameters of one unit, once per task and net of all the runs of a plan."""
    task, net = json.loads(text)
    n_in, n_out = sizes(task)
    frame = literal("tasks", task["name"], "FRAMES", {}).get(task.get("dataset"), ())
    return least_parameters(net, n_in=n_in, n_out=n_out, frame=frame)


def sizes(task: dict[str, Any]) -> tuple[int, int]:
    """Return the inputs and outputs of a task, by the functions `n_in` and `n_out` of its file."""
    names = _read(task["name"])
    try:
        n_in, n_out = (names[name](SimpleNamespace(**task)) for name in ("n_in", "n_out"))
    except (NameError, KeyError, TypeError) as error:
        raise SpecError(
            f"src/slowpoints/tasks/{task['name']}.py: n_in and n_out must follow from the settings, math, and the "
            f"constants and functions n_... of this file or of another task's: planning reads no more ({error})"
        ) from None
    return n_in, n_out


def _read(module: str) -> dict[str, Any]:
    """Return the constants of a file of tasks, its functions of sizes, and what of these it imports from another."""
    found: dict[str, Any] = {"math": math}
    for node in tree("tasks", module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slowpoints.tasks."):
            theirs = _read(str(node.module).rpartition(".")[2])
            found |= {own.asname or own.name: theirs[own.name] for own in node.names if own.name in theirs}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError):
                found[node.targets[0].id] = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef) and (node.name.startswith("n_") or node.name == "frame"):
            exec(compile(ast.Module([node], []), module, "exec", __future__.annotations.compiler_flag), found)
    return found


def check(net: dict[str, Any], *, where: str) -> None:
    """Refuse a number for a stream that the cell does not have.    net: a resolved block"""
    given = {name: net[name] for name in ("keep_bias", "recurrent_scale", "input_scale", "bias_scale")}
    if not any(isinstance(value, dict) for value in given.values()):
        return
    for name, known in known_parts(net["cell"], net).items():
        for part in given[name] if isinstance(given[name], dict) else ():
            if part not in known:
                raise unknown(part, known, what=f"stream of {net['cell']}", where=f"{where}.{name}")


def _told(cell: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the file of a cell passes to the decorator `cell`."""
    found = [node for node in tree("cells", cell).body if isinstance(node, ast.FunctionDef) and node.name == "build"]
    if not found:
        raise SpecError(f"src/slowpoints/cells/{cell}.py: lacks build(settings), which returns the cell")
    build = found[-1]
    names = _Names(settings=SimpleNamespace(**settings), Stream=_Stream, NOTHING="nothing")
    for node in build.body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            made = node.decorator_list[0]
            if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id == "cell":
                return {word.arg: _value(word.value, names) for word in made.keywords if word.arg in READ}
        elif isinstance(node, ast.Assign):
            exec(compile(ast.Module([node], []), cell, "exec"), {"__builtins__": {}}, names)
    raise SpecError(f"src/slowpoints/cells/{cell}.py: build has no function under the decorator cell(...)")


def _value(node: ast.expr, names: _Names) -> Any:
    return eval(compile(ast.Expression(node), "cell", "eval"), {"__builtins__": {}}, names)
