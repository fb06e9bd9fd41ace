"""The C++ source of one cell: the kernel's text with the cell's own step, its derivative and its sizes filled in."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine.kernel import FORWARD
from slowpoints.engine.kernel_backward import BACKWARD
from slowpoints.engine.symbols import NotElementwise, Symbol, pullback, symbols, written

Array = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
ROWS = {1: 8, 2: 8, 3: 8}  # sequences per tile, by streams: rows x streams vectors must stay in 32 registers


def source(cell: Cell, *, vector: int) -> str:
    """Return the source for vectors of `vector` numbers; a step that is not elementwise raises NotElementwise."""
    n_first, n_second, n_free, n_states = len(cell.projections), len(cell.second), len(cell.free), len(cell.states)
    p, s, f = _indexed("p", n_first + n_second), _indexed("s", n_states), _indexed("f", n_free)
    out = _checked(cell, cell.step(*_bundles(cell, p, s, f)), n_states + cell.emits)
    d = _indexed("d", len(out))
    step_back = pullback(out, [*p, *s, *f], d)
    fill: dict[str, str | int] = {
        "V": vector, "N1": n_first, "N2": n_second, "NF": n_free, "NS": n_states, "NE": int(cell.emits),
        "ROWS": ROWS.get(max(n_first, n_second), 4),
        "EXP": _polynomial(_exp_series(), "r"),
        "TANH": _polynomial(_tanh_series(), "z"),
        "STEP": written(_named("out", out)),
        "STEP_BACK": written(_named("dp", step_back[: len(p)]) | _named("ds", step_back[len(p) : len(p) + n_states])
                             | _named("df", step_back[len(p) + n_states :])),
        "READ": "", "READ_BACK": "",
    }  # fmt: skip
    if cell.read is not None:
        first = p[:n_first]
        (seen,) = _checked(cell, (cell.read(*_bundles(cell, first, s, f)),), 1)
        back = pullback([seen], [*first, *s, *f], [Symbol("d")])
        fill["READ"] = written({"const vf seen": seen})
        fill["READ_BACK"] = written(_named("dp", back[:n_first]) | _named("ds", back[n_first : n_first + n_states])
                                    | _named("df", back[n_first + n_states :]))  # fmt: skip
    text = FORWARD + BACKWARD
    for name, value in fill.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def _indexed(name: str, n: int) -> list[Symbol]:
    return symbols([f"{name}[{i}]" for i in range(n)])


def _named(name: str, values: Sequence[Symbol | float]) -> dict[str, Symbol | float]:
    return {f"{name}[{i}]": value for i, value in enumerate(values)}


def _bundles(cell: Cell, p: list[Symbol], s: list[Symbol], f: list[Symbol]) -> tuple[Bundle, Bundle]:
    """Return what `step` and `read` are called with, made of symbols."""
    names = [*cell.projections, *cell.second][: len(p)]
    streams = dict(zip(names, p, strict=True)) | {free.name: x for free, x in zip(cell.free, f, strict=True)}
    return Bundle(streams), Bundle(dict(zip(cell.states, s, strict=True)))  # type: ignore[arg-type]


def _checked(cell: Cell, out: object, n: int) -> list[Symbol]:
    if not isinstance(out, tuple) or len(out) != n or not all(isinstance(part, Symbol) for part in out):
        raise NotElementwise(f"cell {cell.name}: its step must return {n} combinations of streams and states")
    return list(out)


def _exp_series() -> list[float]:
    """Return coefficients of exp on half a power of two around zero; their error is below one rounding."""
    return _interpolated(np.exp, -0.3467, 0.3467, 6)


def _tanh_series() -> list[float]:
    """Return coefficients of (tanh(x) / x - 1) / x^2 as a function of z = x^2, for |x| < 0.6."""
    return _interpolated(lambda z: (np.tanh(np.sqrt(z)) / np.sqrt(z) - 1) / z, 1e-9, 0.36, 4)


def _interpolated(function: Callable[[Array], Array], low: float, high: float, degree: int) -> list[float]:
    """Return the polynomial that meets `function` at Chebyshev's points."""
    met = np.polynomial.Chebyshev.interpolate(function, degree, domain=[low, high])
    return [float(c) for c in met.convert(kind=np.polynomial.Polynomial).coef]


def _polynomial(coefficients: list[float], x: str) -> str:
    """Return the polynomial in Horner's form."""
    text = f"all({coefficients[-1]!r}f)"
    for coefficient in reversed(coefficients[:-1]):
        text = f"({text} * {x} + {coefficient!r}f)"
    return text
