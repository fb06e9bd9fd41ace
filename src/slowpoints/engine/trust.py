"""What the engine trusts a cell's step to be: one value per unit, sequence and network.

Tried once per cell.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, Stream

RUNS, ROWS = 2, 3
Given = dict[str, Tensor]  # streams and states by name, p.gate or s.h, each [RUNS, ROWS, units]


def check_step(cell: Cell, units: int) -> None:
    """Check that the step of a cell is what the engine takes it for.

    Args:
        cell: its definition
        units: of one layer

    Raises:
        ValueError: a step that mixes networks of a stack or sequences of a batch, draws random
            numbers, changes its arguments, or does not return its states.
    """
    mixes_units(cell, units)


@cache
def mixes_units(cell: Cell, units: int) -> bool:
    """Return whether a new state depends on other units than its own, by another way than the
    projections.

    Raises ValueError for a step that mixes networks of a stack or sequences of a batch, that is
    random, or that does not return its states: a network in a stack would then not be the network
    alone.
    """
    with torch.inference_mode(False), torch.enable_grad():
        _check_measures(cell)
        given = _given(cell, units)
        together = _stepped(cell, given)
        if not _alike(together, _stepped(cell, given)):
            raise ValueError(
                f"cell {cell.name}: its step gives other values the second time; draw nothing in it"
            )
        _check_alone(cell, given, together)
        leaves = {name: value.requires_grad_() for name, value in given.items()}
        return any(_off_diagonal(value, list(leaves.values())) for value in _stepped(cell, leaves))


def _given(cell: Cell, units: int) -> Given:
    """Return made-up streams and states, each [RUNS, ROWS, units]."""
    rng = torch.Generator().manual_seed(0)
    names = [f"p.{stream.name}" for stream in cell.streams] + [f"s.{name}" for name in cell.states]
    return {
        name: torch.randn(RUNS, ROWS, units, generator=rng, dtype=torch.float64) for name in names
    }


def _check_alone(cell: Cell, given: Given, together: list[Tensor]) -> None:
    """Raise unless every network, and every sequence, has the same numbers alone as in company."""
    for axis, n, what in ((0, RUNS, "networks of a stack"), (1, ROWS, "sequences of a batch")):
        for i in range(n):
            alone = _stepped(
                cell, {name: value.narrow(axis, i, 1) for name, value in given.items()}
            )
            if not _alike(alone, [value.narrow(axis, i, 1) for value in together]):
                raise ValueError(
                    f"cell {cell.name}: its step mixes {what}, so a network would depend on "
                    "its neighbours; compute "
                    "every entry from the same entry of streams and states (a mean over units "
                    "alone is "
                    ".mean(-1, keepdim=True))"
                )


def _off_diagonal(value: Tensor, leaves: list[Tensor]) -> bool:
    """Return whether the derivative of value by some leaf has entries between units.

    Where it has none, J'v is v times J'1 for any v; for a random one it is so only there. An output
    several times as wide as the layer is that many layers side by side.
    """
    if not value.requires_grad:
        return False
    rng, units = torch.Generator().manual_seed(2), leaves[0].shape[-1]
    v = torch.randn(leaves[0].shape, generator=rng, dtype=value.dtype)
    for part in value.split(units, -1):
        by_v, by_one = (
            torch.autograd.grad(
                part, leaves, w, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for w in (v, torch.ones_like(v))
        )
        if not _alike(list(by_v), [v * slope for slope in by_one]):
            return True
    return False


def _alike(found: list[Tensor], wanted: list[Tensor]) -> bool:
    """Return whether results agree; for several sizes torch has several routines, which round
    differently.
    """
    return all(
        torch.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
        for a, b in zip(found, wanted, strict=True)
    )


def _stepped(cell: Cell, given: Given) -> list[Tensor]:
    """Return everything a step computes from streams and states.

    What `read` sees, new states, and what is emitted.
    """
    p = Bundle(
        {stream.name: _through(cell, stream, given[f"p.{stream.name}"]) for stream in cell.streams}
    )
    s = Bundle({name: given[f"s.{name}"].clone() for name in cell.states})
    before = [value.clone() for value in (*vars(p).values(), *vars(s).values())]
    seen = [] if cell.read is None else [cell.read(p, s)]
    new: Any = cell.step(p, s)
    if not all(map(torch.equal, before, (*vars(p).values(), *vars(s).values()))):
        raise ValueError(
            f"cell {cell.name}: its step changes streams or states in place; compute new tensors"
        )
    n_new = len(cell.states) + cell.emitted
    if not isinstance(new, tuple | list) or len(new) != n_new:
        got = f"{len(new)} values" if isinstance(new, tuple | list) else type(new).__name__
        wanted = ", ".join([*cell.states, *["y"] * cell.emitted])
        raise ValueError(
            f"cell {cell.name}: its step returns {got}; return a tuple of {n_new}: ({wanted},)"
        )
    found = [*seen, *new]
    like = next(iter(given.values()))
    for value in found:
        if not isinstance(value, Tensor) or value.shape != like.shape:
            shape = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"cell {cell.name}: its step turns [M, B, H] = {list(like.shape)} into {shape}"
            )
    return found


@torch.no_grad()
def _check_measures(cell: Cell) -> None:
    """Raise ValueError for a measure that takes more than one number at a time.

    Speeds would have wrong derivatives.
    """
    for name, measure in zip(cell.states, cell.measure, strict=True):
        state = torch.randn(
            RUNS, ROWS, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64
        )
        one_by_one = torch.stack(
            [measure(number.reshape(1)) for number in state.flatten()]
        ).reshape(state.shape)
        if not _alike([measure(state)], [one_by_one]):
            raise ValueError(
                f"cell {cell.name}: the measure of {name} must take each number by itself"
            )


def _through(cell: Cell, stream: Stream, value: Tensor) -> Tensor:
    new = stream.through(value.clone())
    if new.shape != value.shape:
        raise ValueError(
            f"cell {cell.name}: `through` of stream {stream.name} turns {list(value.shape)} "
            f"into {list(new.shape)}"
        )
    return new
