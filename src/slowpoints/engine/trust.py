"""What the engine trusts a cell's step to be: one value per unit, sequence and network. Tried once per cell."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, Stream

RUNS, ROWS = 2, 3
NUDGES = (10.0, -10.0)  # far enough to be seen through a maximum over units


def check_step(cell: Cell, units: int) -> None:
    """Raise ValueError unless a step returns what it should, and mixes neither networks nor sequences."""
    mixes_units(cell, units)


@cache
def mixes_units(cell: Cell, units: int) -> bool:
    """Return whether a new state depends on other units than its own, by another way than the projections.

    Raises ValueError for a step that mixes networks of a stack or sequences of a batch, that is random, or that does
    not return its states: a network in a stack would then not be the network alone.
    """
    _check_measures(cell, units)
    given = _given(cell, units)
    before = _stepped(cell, given)
    if not all(_same(a, b) for a, b in zip(before, _stepped(cell, given), strict=True)):
        raise ValueError(f"cell {cell.name}: its step gives other values the second time; draw nothing in it")
    mixed = torch.zeros(RUNS, ROWS, units, dtype=torch.bool)
    for nudge in NUDGES:
        moved = {name: value.clone() for name, value in given.items()}
        for value in moved.values():
            value[0, 0, 0] += nudge
        for old, new in zip(before, _stepped(cell, moved), strict=True):
            mixed |= ((old != new) & ~(old.isnan() & new.isnan())).unflatten(-1, (-1, units)).any(-2)
    mixed[0, 0, 0] = False
    if mixed[1:].any() or mixed[:, 1:].any():
        what = "networks of a stack" if mixed[1:].any() else "sequences of a batch"
        raise ValueError(
            f"cell {cell.name}: its step mixes {what}, so a network would depend on its neighbours; compute every "
            "entry from the same entry of streams and states (a mean over units alone is .mean(-1, keepdim=True))"
        )
    return bool(mixed.any())


def _given(cell: Cell, units: int) -> dict[str, Tensor]:
    """Return made-up streams and states, each [RUNS, ROWS, units]."""
    rng = torch.Generator().manual_seed(0)
    names = [f"p.{stream.name}" for stream in cell.streams] + [f"s.{name}" for name in cell.states]
    return {name: torch.randn(RUNS, ROWS, units, generator=rng) for name in names}


@torch.no_grad()
def _stepped(cell: Cell, given: dict[str, Tensor]) -> list[Tensor]:
    """Return everything a step computes from streams and states: what `read` sees, new states, and what is emitted."""
    p = Bundle({stream.name: _through(cell, stream, given[f"p.{stream.name}"]) for stream in cell.streams})
    s = Bundle({name: given[f"s.{name}"].clone() for name in cell.states})
    before = [value.clone() for value in (*vars(p).values(), *vars(s).values())]
    seen = [] if cell.read is None else [cell.read(p, s)]
    new: Any = cell.step(p, s)
    if not all(map(torch.equal, before, (*vars(p).values(), *vars(s).values()))):
        raise ValueError(f"cell {cell.name}: its step changes streams or states in place; compute new tensors")
    n_new = len(cell.states) + cell.emits
    if not isinstance(new, tuple | list) or len(new) != n_new:
        got = f"{len(new)} values" if isinstance(new, tuple | list) else type(new).__name__
        wanted = ", ".join([*cell.states, *["y"] * cell.emits])
        raise ValueError(f"cell {cell.name}: its step returns {got}; return a tuple of {n_new}: ({wanted},)")
    found = [*seen, *new]
    widths = [1] * (len(found) - cell.emits) + [cell.emitted] * cell.emits
    like = next(iter(given.values()))
    for value, times in zip(found, widths, strict=True):
        if not isinstance(value, Tensor) or value.shape != (*like.shape[:2], times * like.shape[2]):
            shape = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"cell {cell.name}: its step turns [M, B, H] = {list(like.shape)} into {shape}")
    return found


@torch.no_grad()
def _check_measures(cell: Cell, units: int) -> None:
    """Raise ValueError for a measure that takes more than one number at a time: speeds would have wrong derivatives."""
    for name, measure in zip(cell.states, cell.measure, strict=True):
        state = torch.randn(RUNS, ROWS, units, generator=torch.Generator().manual_seed(1))
        moved = state.clone()
        moved[0, 0, 0] += NUDGES[0]
        changed = measure(moved) != measure(state)
        if changed.shape != state.shape or int(changed.sum()) > 1:
            raise ValueError(f"cell {cell.name}: the measure of {name} must take each number by itself")


def _through(cell: Cell, stream: Stream, value: Tensor) -> Tensor:
    new = stream.through(value.clone())
    if new.shape != value.shape:
        raise ValueError(
            f"cell {cell.name}: `through` of stream {stream.name} turns {list(value.shape)} into {list(new.shape)}"
        )
    return new


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.nan_to_num(), b.nan_to_num())
