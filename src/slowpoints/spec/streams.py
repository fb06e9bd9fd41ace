"""Which streams a cell has, read from its file without importing it: a misspelt one is seen while planning."""

import ast
import json
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from slowpoints.spec.settings import tree
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


def least_parameters(net: dict[str, Any], *, n_in: int, n_out: int) -> int:
    """Return the number of parameters of a network of one unit per layer, as the engine counts them."""
    told = _told(net["cell"], net)
    affine = [own for own in _streams(told) if own.affine and own.of != "nothing"]
    projected = len(known_parts(net["cell"], net)["recurrent_scale"])
    total = 0
    for layer in range(net["depth"]):
        width = n_in if layer == 0 else 1
        if told.get("embeds", False) and layer == 0:
            total, width = total + n_in + 1, 1
        total += sum((width if own.of == "input" else 1) + 1 for own in affine)
        total += sum(own.of == "nothing" for own in _streams(told)) + projected
        total += (told.get("emitted", 1) + 1) * bool(told.get("output_map"))
        total += len(told.get("states", ("h",))) * (net["initial_state"] == "learned")
    return total + 2 * n_out


def check_budget(task: dict[str, Any], net: dict[str, Any], *, where: str) -> None:
    """Refuse a budget under which not even one unit fits, where the plan tells how wide the task is."""
    if net["budget"] is None or net["front"] != "none":
        return
    least = _least(json.dumps([task, net], sort_keys=True))
    if least is not None and net["budget"] < least:
        raise SpecError(
            f"{where}.budget: one unit of {net['cell']} takes {least} parameters here, found {net['budget']}"
        )


@cache
def _least(text: str) -> int | None:
    """Return the parameters of one unit, once per task and net of all the runs of a plan."""
    task, net = json.loads(text)
    sizes = _sizes(task)
    return None if sizes is None else least_parameters(net, n_in=sizes[0], n_out=sizes[1])


def _sizes(task: dict[str, Any]) -> tuple[int, int] | None:
    """Return the inputs and outputs of a task; None where its file computes them from what planning does not read."""
    names = _Names(len=len)
    for node in tree("tasks", task["name"]).body:
        is_short = isinstance(node, ast.FunctionDef) and (node.name.startswith("n_") or node.name == "frame")
        if is_short or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)):
            bare = ast.parse(ast.unparse(node)).body[0]
            for own in ast.walk(bare):
                if isinstance(own, ast.FunctionDef):
                    own.returns, own.decorator_list = None, []
                    for argument in own.args.args:
                        argument.annotation = None
            exec(compile(ast.Module([bare], []), task["name"], "exec"), names)
    try:
        n_in, n_out = (names[name](SimpleNamespace(**task)) for name in ("n_in", "n_out"))
    except (NameError, TypeError):
        return None
    return (n_in, n_out) if isinstance(n_in, int) and isinstance(n_out, int) else None


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
    (build,) = [node for node in tree("cells", cell).body if isinstance(node, ast.FunctionDef) and node.name == "build"]
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
