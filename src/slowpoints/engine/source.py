"""The C++ source of one cell: the kernel's text with the cell's own step, its derivative and its sizes filled in."""

from collections.abc import Sequence
from typing import NamedTuple

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine.kernel import FORWARD
from slowpoints.engine.kernel_backward import BACKWARD
from slowpoints.engine.kernel_data import DATA
from slowpoints.engine.kernel_products import PRODUCTS
from slowpoints.engine.symbols import KEPT, NotElementwise, Symbol, in_order, pullback, symbol, written

TILE = 32  # sequences that go through the steps together: their states stay in the nearest caches

# exp(r) for |r| < 0.3467, by interpolation at Chebyshev's points; tanh(x) = x P(x^2) / Q(x^2) for |x| < 7.9 with the
# smallest largest relative error, 2e-8, by least squares weighed again and again by the error. Lowest power first.
EXP = (1.0, 1.00000004, 0.500000005, 0.166664151, 0.0416663524, 0.00837515695, 0.00139411466)
TANH_LIMIT = 7.9
TANH_P = (0.999999983, 0.129849475, 0.00299213775, 9.93955691e-06, -1.49073521e-08, 2.4108039e-11)
TANH_Q = (1.0, 0.463182655, 0.02405326, 0.000238092449)


class Math(NamedTuple):
    """A cell as expressions of p (both stages), s and f: what it returns, and the derivatives."""

    p: list[Symbol]
    out: list[Symbol]
    seen: list[Symbol]  # what `read` returns, if there is one
    back: dict[str, Symbol | float]  # dp, ds, df given the slopes d of `out`
    seen_back: dict[str, Symbol | float]  # given the slope d of `seen`


class Source(NamedTuple):
    """The text of a cell's kernel, and how many values per unit and step it remembers for the derivative."""

    text: str
    n_kept: int


def source(cell: Cell, *, vector: int, rows: int) -> Source:
    """Return the source for vectors of `vector` numbers, `rows` sequences at once in registers.

    A step that is not elementwise raises NotElementwise.
    """
    math, n_first = _recorded(cell), len(cell.projections)
    first, later = _kept(math, math.p[n_first:])
    q = {value: f"q[{i}]" for i, value in enumerate([*first, *later])}
    p_last = {value: f"p[{i}]" for i, value in enumerate(math.p[n_first:] or math.p)}
    seen = dict(zip(["const vf seen"], math.seen, strict=False))
    fill: dict[str, str | float] = {
        "V": vector, "R": rows, "TILE": TILE, "N1": n_first, "N2": len(cell.second), "NF": len(cell.free),
        "NS": len(cell.states), "NE": int(cell.emits), "K": len(q), "K1": len(first),
        "EXP": _polynomial(EXP, "r"), "TANH_LIMIT": TANH_LIMIT,
        "TANH_P": _polynomial(TANH_P, "z"), "TANH_Q": _polynomial(TANH_Q, "z"),
        "FIRST": written({**_named("q", first), **seen}, {}),
        "LAST": written(_named("out", math.out) | {q[value]: value for value in later},
                        p_last | {value: q[value] for value in first}),
        "LAST_BACK": written(math.back, q),
        "SEEN": written(seen, q),
        "FIRST_BACK": written(math.seen_back, q),
    }  # fmt: skip
    text = DATA + FORWARD + PRODUCTS + BACKWARD
    for name, value in fill.items():
        text = text.replace(f"@{name}@", str(value))
    return Source(text, len(q))


def _recorded(cell: Cell) -> Math:
    """Return the cell's math, recorded by calling its functions with symbols."""
    p, s, f = (_indexed(name, n) for name, n in (("p", len(cell.projections + cell.second)),
                                                 ("s", len(cell.states)), ("f", len(cell.free))))  # fmt: skip

    def bundles(n: int) -> tuple[Bundle, Bundle]:
        streams = dict(zip(cell.projections + cell.second, p[:n], strict=False))
        streams |= {free.name: value for free, value in zip(cell.free, f, strict=True)}
        return Bundle(streams), Bundle(dict(zip(cell.states, s, strict=True)))  # type: ignore[arg-type]

    def back(outputs: list[Symbol], n: int, slopes: list[Symbol]) -> dict[str, Symbol | float]:
        found = iter(pullback(outputs, [*p[:n], *s, *f], slopes))
        sizes = (("dp", n), ("ds", len(s)), ("df", len(f)))
        return {f"{name}[{i}]": next(found) for name, size in sizes for i in range(size)}

    out = _checked(cell, cell.step(*bundles(len(p))), len(s) + cell.emits)
    n_first = len(cell.projections)
    seen = [] if cell.read is None else _checked(cell, (cell.read(*bundles(n_first)),), 1)
    return Math(p, out, seen, back(out, len(p), _indexed("d", len(out))),
                back(seen, n_first, [symbol("d")][: len(seen)]))  # fmt: skip


def _kept(math: Math, p_second: Sequence[Symbol]) -> tuple[list[Symbol], list[Symbol]]:
    """Return the values to remember for the derivative: those known in the first of two stages, and the others.

    They are the results of costly functions; and streams, where something else is done to them.
    """
    costly = [value for value in in_order([*math.out, *math.seen]) if value.op in KEPT]
    early = [value for value in costly if p_second and not set(in_order([value])) & set(p_second)]
    for_back = in_order([*math.back.values(), *math.seen_back.values(), *math.seen], given=costly)
    for_last = in_order(math.out, given=early) if p_second else []
    p_first = set(math.p) - set(p_second) if p_second else set()
    first = [value for value in in_order([*math.seen, *math.out]) if value in {*early, *p_first}
             and value in {*for_back, *for_last}]  # fmt: skip
    later = [value for value in in_order(math.out) if value in for_back and value in {*costly, *math.p} - set(first)]
    return first, later


def _indexed(name: str, n: int) -> list[Symbol]:
    return [symbol(f"{name}[{i}]") for i in range(n)]


def _named(name: str, values: Sequence[Symbol | float]) -> dict[str, Symbol | float]:
    return {f"{name}[{i}]": value for i, value in enumerate(values)}


def _checked(cell: Cell, out: object, n: int) -> list[Symbol]:
    if not isinstance(out, tuple) or len(out) != n or not all(isinstance(part, Symbol) for part in out):
        raise NotElementwise(f"cell {cell.name}: its step must return {n} combinations of streams and states")
    return list(out)


def _polynomial(coefficients: Sequence[float], x: str) -> str:
    """Return the polynomial in Horner's form."""
    text = f"all({coefficients[-1]!r}f)"
    for coefficient in reversed(coefficients[:-1]):
        text = f"({text} * {x} + {coefficient!r}f)"
    return text
