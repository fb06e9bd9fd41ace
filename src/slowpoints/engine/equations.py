"""A cell's equations, written from its own step.

It is called with symbols, so what is shown is what is computed.

The symbols are those from which the engine makes its kernels. A stream that the step reads through
one function alone, such as a gate, is written as that function of it. What a stream's function
cannot be called with symbols for (the LRU's cosine) has no equations here; its docstring has them.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from slowpoints import cells
from slowpoints.cells.definition import NOTHING, Bundle, Cell, Pointwise, Stream, identity
from slowpoints.cells.network import Network, shapes
from slowpoints.engine.derivatives.symbols import NotElementwise, Symbol, in_order, symbol

SUM, PRODUCT, ATOM = 1, 2, 3  # how strongly an expression holds together
FUNCTIONS = {
    "sigmoid": r"\sigma",
    "tanh": r"\tanh",
    "exp": r"\exp",
    "relu": r"\operatorname{relu}",
    "abs": r"\operatorname{abs}",
}
EMITTED = "y"


def describe() -> dict[str, dict[str, Any]]:
    """Return {cell: its equations with default settings, its parameters, and what its speed is
    measured on}.
    """
    return {name: _described(cells.load(name)) for name in cells.names()}


def _described(module: Any) -> dict[str, Any]:
    cell = module.build(module.Settings())
    return {"equations": equations(cell), "parameters": parameters(cell), "speed": _speed(cell),
            "states": list(cell.states), "keep": list(cell.keep)}  # fmt: skip


def equations(cell: Cell) -> list[str]:
    """Return the step of one layer as lines of LaTeX, `left &= right`.

    None where it is not elementwise.
    """
    try:
        lines = [*_embedding(cell), *_streams(cell), *_step(cell), *_output_map(cell)]
    except NotElementwise:
        return []
    for stream in cell.streams:
        lines = _folded(lines, stream.name)
    return lines


def _folded(lines: list[str], stream: str) -> list[str]:
    """Return the lines with the one function through which a stream is read in the stream's own
    line, if it is one.
    """
    whole = "\n".join(lines)
    value = _stream(stream)
    readers = re.findall(rf"(\\\w+(?:{{\w+}})?)\({re.escape(value)}\)", whole)
    is_one = len(set(readers)) == 1 and whole.count(value) == len(readers) + 1
    if (
        not is_one or f"&= {readers[0]}({value})\n" in f"{whole}\n"
    ):  # all that a state is needs no name of its own
        return lines
    name = f"{_word(stream, bare=True)}_t"
    own = [
        line if not line.startswith(f"{value} &= ") else _through_line(line, readers[0], name)
        for line in lines
    ]
    return [line.replace(f"{readers[0]}({value})", name) for line in own]


def _through_line(line: str, function: str, name: str) -> str:
    return f"{name} &= {function}({line.partition(' &= ')[2]})"


def parameters(cell: Cell) -> str:
    """Return the number of parameters of a layer as LaTeX: I inputs, H units."""
    n_in, units, terms = 3, 1000, Counter[str]()
    for name, shape in shapes(Network(cell, n_in, 1, units)).items():
        if not name.startswith("readout."):
            inputs = shape.count(n_in)
            power = len(shape) - inputs
            terms["I" * inputs + ("H^2" if power == 2 else "H")] += math.prod(shape) // (
                n_in**inputs * units**power
            )
    return " + ".join(
        rf"{n if n > 1 else ''}{term}"
        for term, n in sorted(terms.items(), key=lambda one: -len(one[0]))
    )


def _speed(cell: Cell) -> str:
    if all(measure is identity for measure in cell.measure):
        return ", ".join(cell.states)
    return ", ".join(
        _latex(_through(m, symbol(s)), {})[0]
        for s, m in zip(cell.states, cell.measure, strict=True)
    )


def _embedding(cell: Cell) -> list[str]:
    return [r"x_t &= W_{\text{embed}}\, \text{input}_t + b_{\text{embed}}"] if cell.embeds else []


def _streams(cell: Cell) -> list[str]:
    """Return the lines of what the input and the state contribute, and of what `read` hands to the
    second stage.
    """
    lines: list[str] = []
    seen = _seen(cell)
    for stream in cell.streams:
        if _is_input(stream):
            continue
        if stream.name in cell.second:
            lines, seen = lines + seen, []
        source = r"x_t" if stream.of == "input" else _stream(stream.of)
        terms = [rf"W_{_word(stream.name)}\, {source}"] if stream.affine else [source]
        if stream.of == NOTHING:
            terms = []
        if cell.recurrent and stream.name in cell.projections:
            terms.append(rf"R_{_word(stream.name)}\, {cell.states[0]}_{{t-1}}")
        if stream.name in cell.second:
            terms.append(rf"R_{_word(stream.name)}\, q_t")
        terms += [f"b_{_word(stream.name)}"] if stream.affine else []
        inside = symbol(" + ".join(terms))
        lines.append(f"{_stream(stream.name)} &= {_latex(_through(stream.through, inside), {})[0]}")
    return lines


def _through(function: Pointwise, inside: Symbol) -> Symbol:
    result: Any = function(inside)  # type: ignore[arg-type]
    return result


def _seen(cell: Cell) -> list[str]:
    if cell.read is None:
        return []
    (seen,) = _called(cell, lambda p, s: (cell.read(p, s),), cell.projections)  # type: ignore[misc]
    return [f"q_t &= {_latex(seen, {})[0]}"]


def _step(cell: Cell) -> list[str]:
    """Return one line for each new state, and one for what is emitted."""
    out = _called(cell, cell.step, cell.projections + cell.second)
    targets = [*cell.states, *[EMITTED] * cell.emitted]
    if len(out) != len(targets):
        raise NotElementwise(
            f"cell {cell.name}: its step returns {len(out)} values for {len(targets)} names"
        )
    shown = {value: f"{_word(name, bare=True)}_t" for value, name in zip(out, targets, strict=True)}
    return [
        f"{shown[value]} &= {_latex(value, {v: n for v, n in shown.items() if v is not value})[0]}"
        for value in in_order(out) if value in shown
    ]  # fmt: skip


def _output_map(cell: Cell) -> list[str]:
    if not cell.output_map:
        return []
    return [rf"y_t &= \tanh(W_y\, {EMITTED if cell.emitted else cell.states[0]}_t + b_y)"]


def _called(
    cell: Cell, function: Callable[[Bundle, Bundle], tuple[Any, ...]], streams: tuple[str, ...]
) -> tuple[Symbol, ...]:
    """Call a cell's function with symbols, and return what it returns."""
    free = {
        stream.name: symbol("x_t" if _is_input(stream) else _stream(stream.name))
        for stream in cell.free
    }
    p = {name: symbol(_stream(name)) for name in streams} | free
    s = {name: symbol(f"{name}_{{t-1}}") for name in cell.states}
    out = function(Bundle(p), Bundle(s))  # type: ignore[arg-type]
    if not isinstance(out, tuple) or not all(isinstance(value, Symbol) for value in out):
        raise NotElementwise(f"cell {cell.name}: its step returns something else than values")
    return out


def _is_input(stream: Stream) -> bool:
    return not stream.affine and stream.of == "input" and stream.through is identity


def _stream(name: str) -> str:
    return rf"p^{_word(name)}_t"


def _word(name: str, *, bare: bool = False) -> str:
    text = name if len(name) == 1 else rf"\text{{{name.replace('_', ' ')}}}"
    return text if bare else f"{{{text}}}"


def _latex(value: Symbol | float, names: dict[Symbol, str]) -> tuple[str, int]:
    """Return an expression as LaTeX, and how strongly it holds together."""
    if not isinstance(value, Symbol):
        return f"{value:g}", ATOM
    if value in names:
        return names[value], ATOM
    if not value.parts:
        return value.op, SUM if " + " in value.op else ATOM

    def part(index: int, at_least: int) -> str:
        text, strength = _latex(value.parts[index], names)
        return text if strength >= at_least else f"({text})"

    match value.op:
        case "+":
            return f"{part(0, SUM)} + {part(1, SUM)}", SUM
        case "-" if value.parts[0] == 0:
            return f"-{part(1, PRODUCT)}", SUM
        case "-":
            return f"{part(0, SUM)} - {part(1, PRODUCT)}", SUM
        case "*":
            sign = r"\odot" if all(isinstance(one, Symbol) for one in value.parts) else r"\,"
            return f"{part(0, PRODUCT)} {sign} {part(1, PRODUCT)}", PRODUCT
        case "/":
            return rf"\frac{{{part(0, SUM)}}}{{{part(1, SUM)}}}", ATOM
        case "square":
            return f"{part(0, ATOM)}^2", ATOM
        case "neg":
            return f"-{part(0, PRODUCT)}", SUM
    if value.op not in FUNCTIONS:
        raise NotElementwise(f"no way to write {value.op}")
    return f"{FUNCTIONS[value.op]}({part(0, SUM)})", ATOM
