"""Which streams a cell has, read from its file without importing it: a misspelt one is seen while planning."""

import ast
from types import SimpleNamespace
from typing import Any, NamedTuple

from slowpoints.spec.settings import tree
from slowpoints.spec.strict import SpecError, unknown

READ = ("streams", "projections", "second", "recurrent", "keep", "embeds", "output_map")  # of the decorator `cell`


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
    streams = [own if isinstance(own, _Stream) else _Stream(own) for own in told["streams"]]
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
