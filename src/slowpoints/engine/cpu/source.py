"""The C++ source of one cell: the kernel's text with the cell's own step, its derivative and its
sizes filled in.
"""

from collections.abc import Sequence

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu.kernel import FORWARD
from slowpoints.engine.cpu.kernel_backward import BACKWARD
from slowpoints.engine.cpu.kernel_data import DATA
from slowpoints.engine.cpu.kernel_pass import PASS, READING
from slowpoints.engine.cpu.kernel_products import PRODUCTS
from slowpoints.engine.derivatives.recorded import kept, recorded
from slowpoints.engine.derivatives.symbols import Symbol, written

TILE = 32  # sequences that go through the steps together: their states stay in the nearest caches

# exp(r) for |r| < 0.3467, by interpolation at Chebyshev's points; tanh(x) = x P(x^2) / Q(x^2) for
# |x| < 7.9 with the
# smallest largest relative error, 2e-8, by least squares weighed again and again by the error.
# Lowest power first.
EXP = (1.0, 1.00000004, 0.500000005, 0.166664151, 0.0416663524, 0.00837515695, 0.00139411466)
TANH_LIMIT = 7.9
TANH_P = (0.999999983, 0.129849475, 0.00299213775, 9.93955691e-06, -1.49073521e-08, 2.4108039e-11)
TANH_Q = (1.0, 0.463182655, 0.02405326, 0.000238092449)


def source(cell: Cell, *, vector: int, rows: int) -> str:
    """Return the source for vectors of `vector` numbers, `rows` sequences at once in registers.

    A step that is not elementwise raises NotElementwise.
    """
    math, n_first = recorded(cell), len(cell.projections)
    first, later = kept(math, math.p[n_first:])
    q = {value: f"q[{i}]" for i, value in enumerate([*first, *later])}
    p_last = {value: f"p[{i}]" for i, value in enumerate(math.p[n_first:] or math.p)}
    seen = dict(zip(["const vf seen"], math.seen, strict=False))
    fill: dict[str, str | float] = {
        "V": vector,
        "R": rows,
        "TILE": TILE,
        "N1": n_first,
        "N2": len(cell.second),
        "NF": len(cell.free),
        "NS": len(cell.states),
        "NE": cell.emitted,
        "K": len(q),
        "K1": len(first),
        "EXP": polynomial(EXP, "r"),
        "TANH_LIMIT": TANH_LIMIT,
        "TANH_P": polynomial(TANH_P, "z"),
        "TANH_Q": polynomial(TANH_Q, "z"),
        "FIRST": _lines(written({**_named("q", first), **seen}, {})),
        "LAST": _lines(
            written(
                _named("out", math.out) | {q[value]: value for value in later},
                p_last | {value: q[value] for value in first},
            )
        ),
        "LAST_BACK": _lines(written(math.back, q)),
        "SEEN": _lines(written(seen, q)),
        "FIRST_BACK": _lines(written(math.seen_back, q)),
    }
    text = DATA + FORWARD + PRODUCTS + READING + BACKWARD + PASS
    for name, value in fill.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def _lines(statements: list[str]) -> str:
    return "\n  ".join(statements)


def _named(name: str, values: Sequence[Symbol | float]) -> dict[str, Symbol | float]:
    return {f"{name}[{i}]": value for i, value in enumerate(values)}


def polynomial(
    coefficients: Sequence[float], x: str, *, first: str = "all({!r}f)", other: str = "{!r}f"
) -> str:
    """Return the polynomial in Horner's form, its numbers written as in C++ or as the two forms
    say.
    """
    text = first.format(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        text = f"({text} * {x} + {other.format(coefficient)})"
    return text
