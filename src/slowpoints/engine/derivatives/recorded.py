"""A cell's math as expressions, and which of its values are worth remembering for the
derivative.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine.derivatives.symbols import (
    KEPT,
    NotElementwise,
    Symbol,
    in_order,
    pullback,
    symbol,
)


class Math(NamedTuple):
    """A cell as expressions of p (both stages), s and f: what it returns, and the derivatives."""

    p: list[Symbol]
    out: list[Symbol]
    seen: list[Symbol]  # what `read` returns, if there is one
    back: dict[str, Symbol | float]  # dp, ds, df given the slopes d of `out`
    seen_back: dict[str, Symbol | float]  # given the slope d of `seen`


@cache
def recorded(cell: Cell) -> Math:
    """Return the cell's math, recorded by calling its functions with symbols."""
    p, s, f = (
        _indexed(name, n)
        for name, n in (
            ("p", len(cell.projections + cell.second)),
            ("s", len(cell.states)),
            ("f", len(cell.free)),
        )
    )

    def bundles(n: int) -> tuple[Bundle, Bundle]:
        streams = dict(zip(cell.projections + cell.second, p[:n], strict=False))
        streams |= {free.name: value for free, value in zip(cell.free, f, strict=True)}
        return Bundle(streams), Bundle(dict(zip(cell.states, s, strict=True)))  # type: ignore[arg-type]

    def back(outputs: list[Symbol], n: int, slopes: list[Symbol]) -> dict[str, Symbol | float]:
        found = iter(pullback(outputs, [*p[:n], *s, *f], slopes))
        sizes = (("dp", n), ("ds", len(s)), ("df", len(f)))
        return {f"{name}[{i}]": next(found) for name, size in sizes for i in range(size)}

    out = _checked(cell, cell.step(*bundles(len(p))), len(s) + cell.emitted)
    n_first = len(cell.projections)
    seen = [] if cell.read is None else _checked(cell, (cell.read(*bundles(n_first)),), 1)
    return Math(p, out, seen, back(out, len(p), _indexed("d", len(out))),
                back(seen, n_first, [symbol("d")][: len(seen)]))  # fmt: skip


def kept(math: Math, p_second: Sequence[Symbol]) -> tuple[list[Symbol], list[Symbol]]:
    """Return the values to remember for the derivative.

    Those known in the first of two stages, and the others.

    They are the results of costly functions; and streams, where something else is done to them.
    """
    costly = [value for value in in_order([*math.out, *math.seen]) if value.op in KEPT]
    early = [value for value in costly if p_second and not set(in_order([value])) & set(p_second)]
    for_back = in_order([*math.back.values(), *math.seen_back.values(), *math.seen], given=costly)
    for_last = in_order(math.out, given=early) if p_second else []
    p_first = set(math.p) - set(p_second) if p_second else set()
    first = [value for value in in_order([*math.seen, *math.out]) if value in {*early, *p_first}
             and value in {*for_back, *for_last}]  # fmt: skip
    wanted = set(for_back) & {*costly, *math.p} - set(first)
    later = [value for value in in_order(math.out) if value in wanted]
    return first, later


def _indexed(name: str, n: int) -> list[Symbol]:
    return [symbol(f"{name}[{i}]") for i in range(n)]


def _checked(cell: Cell, out: object, n: int) -> list[Symbol]:
    if (
        not isinstance(out, tuple)
        or len(out) != n
        or not all(isinstance(part, Symbol) for part in out)
    ):
        raise NotElementwise(
            f"cell {cell.name}: its step must return {n} combinations of streams and states"
        )
    return list(out)
