"""The Triton source of one cell: its elementwise math and derivative, one kernel each, for the
steps on a GPU.

Every buffer is a tensor [M, B, k H] of one step, its streams or states side by side; a kernel takes
it as three
arguments: pointer, distance of runs, distance of rows. One lane computes one unit of one sequence
of one run.
"""

from collections.abc import Iterable, Sequence

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu.source import TANH_LIMIT, TANH_P, TANH_Q, polynomial
from slowpoints.engine.derivatives.recorded import Math, kept, recorded
from slowpoints.engine.derivatives.symbols import PYTHON, Symbol, symbol, written

HEAD = """import triton
import triton.language as tl


@triton.jit
def within(x, limit):
    x = tl.where(x < -limit, -limit, x)  # a comparison with NaN is false: NaN stays
    return tl.where(x > limit, limit, x)


@triton.jit
def tanh_(x):
    x = within(x, @TANH_LIMIT@)
    z = x * x
    return tl.div_rn(x * (@TANH_P@), @TANH_Q@)


@triton.jit
def sigmoid_(x):
    return 0.5 * tanh_(0.5 * x) + 0.5


@triton.jit
def exp_(x):
    return tl.exp(within(x, 87.0))


@triton.jit
def relu_(x):
    return tl.where(x < 0.0, 0.0, x)


@triton.jit
def positive_(x):
    return tl.where(x > 0.0, 1.0, 0.0)
"""

KERNEL = """

@triton.jit
def @NAME@(@BUFFERS@, size, B, H, BLOCK: tl.constexpr@FLAG@):
    lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    ok = lane < size
    row = lane // H
    unit = lane % H
    run = (row // B).to(tl.int64)
    row = row % B
"""


def buffers(cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return the buffers that each kernel of a cell takes, in order.

    p: streams before the step; s: states before, new: after; f: free streams; q: values kept for
    the derivative;
    seen: what `read` returns; y: output beside the state; d...: slopes.
    """
    f, df = (("f",), ("df",)) if cell.free else ((), ())
    q = ("q",) if n_kept(cell) else ()
    ahead = ("dsecond",) if cell.second else ()
    found: dict[str, tuple[str, ...]] = {}
    if cell.second:
        found["first"] = ("p", "s", *f, *q, "seen")
        found["first_back"] = ("s", *f, *q, "dseen", "ds", "dfirst", *df)
    found["last"] = ("p", "s", *f, *q, "new", *(("y",) if cell.emitted else ()))
    found["last_back"] = ("s", *f, *q, "ds", "dy", "dfirst", *ahead, *df)
    return found


def n_kept(cell: Cell) -> int:
    """Return how many values per unit and step are kept for the derivative."""
    math = recorded(cell)
    return sum(map(len, kept(math, math.p[len(cell.projections) :])))


def triton_source(cell: Cell) -> str:
    """Return the source of a cell's kernels.

    A step that is not elementwise raises NotElementwise.
    """
    math, n_first = recorded(cell), len(cell.projections)
    first, later = kept(math, math.p[n_first:])
    q = {value: f"q{i}" for i, value in enumerate([*first, *later])}
    text = HEAD.replace("@TANH_LIMIT@", repr(TANH_LIMIT))
    for name, coefficients in (("@TANH_P@", TANH_P), ("@TANH_Q@", TANH_Q)):
        text = text.replace(name, polynomial(coefficients, "z", first="{!r}", other="{!r}"))
    bodies = _forward(cell, math, first, later, q) | _backward(cell, math, q)
    for name, taken in buffers(cell).items():
        arguments = ", ".join(f"{buffer}, {buffer}_m, {buffer}_b" for buffer in taken)
        head = KERNEL.replace("@NAME@", name).replace("@BUFFERS@", arguments)
        text += head.replace("@FLAG@", ", WANTED: tl.constexpr" if name == "last_back" else "")
        text += "".join(f"    {line}\n" for line in bodies[name])
    return text


def _forward(
    cell: Cell, math: Math, first: Sequence[Symbol], later: Sequence[Symbol], q: dict[Symbol, str]
) -> dict[str, list[str]]:
    n_first, inputs = len(cell.projections), _leaves(cell)
    early = {value: q[value] for value in first}
    p_first = {value: f"p{i}" for i, value in enumerate(math.p[:n_first])}
    p_last = {value: f"p{i}" for i, value in enumerate(math.p[n_first:] or math.p)}
    now = {f"new{i}": value for i, value in enumerate(math.out[: len(cell.states)])}
    outputs = now | {f"y{i}": value for i, value in enumerate(math.out[len(cell.states) :])}
    of_first = {q[value]: value for value in first} | dict(zip(["seen0"], math.seen, strict=False))
    of_last = {q[value]: value for value in later} | outputs
    return {
        "first": [*_loads(p_first.values()), *_loads(inputs.values()),
                  *written(of_first, p_first | inputs, PYTHON), *_stores(of_first)],
        "last": [*_loads(p_last.values()), *_loads(inputs.values()), *_loads(early.values()),
                 *written(of_last, inputs | p_last | early, PYTHON), *_stores(of_last)],
    }  # fmt: skip


def _backward(cell: Cell, math: Math, q: dict[Symbol, str]) -> dict[str, list[str]]:
    n_first, inputs = len(cell.projections), _leaves(cell)
    slopes = {symbol(f"d[{i}]"): f"slope{i}" for i in range(len(math.out))}
    n, emitted = len(cell.states), range(cell.emitted)
    reads = [f"slope{i} = {_load(f'ds{i}')}" for i in range(n)]
    reads += [f"slope{n + i} = 0.0" for i in emitted]
    shown = [f"slope{n + i}" for i in emitted] or ["slope0"]
    reads += ["if WANTED:", *(f"    {s} += {_load(f'dy{i}')}" for i, s in enumerate(shown))]
    named = {_renamed(target, n_first): value for target, value in math.back.items()}
    again = {_renamed(target, n_first): value for target, value in math.seen_back.items()}
    new = {f"new_{target}": value for target, value in named.items()}
    more = {f"new_{target}": value for target, value in again.items()}
    known = _loads([*inputs.values(), *q.values()])
    return {
        "last_back": [*known, *reads, *written(new, inputs | q | slopes, PYTHON),
                      *(_store(target, f"new_{target}") for target in named)],
        "first_back": [*known, f"slope = {_load('dseen0')}",
                       *written(more, inputs | q | {symbol("d"): "slope"}, PYTHON),
                       *(_store(target, f"new_{target} + {_load(target)}") for target in again)],
    }  # fmt: skip


def _renamed(target: str, n_first: int) -> str:
    """Return the column of a slope: dp[i] is split into those of the two stages."""
    name, index = target.removesuffix("]").split("[")
    if name != "dp":
        return f"{name}{index}"
    return f"dfirst{index}" if int(index) < n_first else f"dsecond{int(index) - n_first}"


def _leaves(cell: Cell) -> dict[Symbol, str]:
    sizes = {"s": len(cell.states), "f": len(cell.free)}
    return {symbol(f"{name}[{i}]"): f"{name}{i}" for name, n in sizes.items() for i in range(n)}


def _address(column: str) -> str:
    """Return where a column such as `q3` is: buffer q, the fourth H numbers of a row."""
    buffer = column.rstrip("0123456789")
    return f"{buffer} + run * {buffer}_m + row * {buffer}_b + {column[len(buffer) :]} * H + unit"


def _load(column: str) -> str:
    # beyond the last unit: nothing is divided by zero
    return f"tl.load({_address(column)}, mask=ok, other=1.0)"


def _loads(columns: Iterable[str]) -> list[str]:
    return [f"{column} = {_load(column)}" for column in columns]


def _store(column: str, value: str) -> str:
    return f"tl.store({_address(column)}, {value}, mask=ok)"


def _stores(columns: Iterable[str]) -> list[str]:
    return [_store(column, column) for column in columns]
