"""The compiled kernel of a cell: what it can run, and what it needs."""

import logging
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine import build
from slowpoints.engine.source import TILE, source
from slowpoints.engine.symbols import NotElementwise

log = logging.getLogger("slowpoints")


class Kernel(NamedTuple):
    """A compiled cell: forward(Call *) and backward(Call *, Back *), see `structures`."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    vector: int  # numbers per vector
    rows: int  # sequences that share a weight in registers: batches are filled up to whole blocks
    n_kept: int
    n_states: int

    def trace_size(self, steps: int, Hp: int) -> int:
        """Return the numbers in the trace of one tile."""
        return TILE * Hp * ((steps + 1) * self.n_states + steps * self.n_kept)

    def mark_size(self, Hp: int) -> int:
        """Return the numbers in the states of one tile."""
        return TILE * Hp * self.n_states


def kernel(cell: Cell, units: int) -> Kernel | None:
    """Return the kernel of a cell, compiled at first use; None where the cell runs eagerly."""
    return _kernel(cell, vector_for(units))


def vector_for(units: int) -> int:
    """Return the vector width for so many units: the widest that is not half empty."""
    widest = build.widest_vector()
    return next((v for v in (4, 8) if units <= v < widest), widest)


@cache
def _kernel(cell: Cell, vector: int) -> Kernel | None:
    rows = 8 if build.has_32_registers() else 4
    try:
        text, n_kept = source(cell, vector=vector, rows=rows)
    except NotElementwise as reason:
        log.info("cell %s runs without the compiled kernel: %s", cell.name, reason)
        return None
    library = build.library(text)
    if library is None:
        return None
    return Kernel(library.forward, library.backward, vector, rows, n_kept, len(cell.states))


def runs_compiled(cell: Cell, like: Tensor, units: int) -> bool:
    """Return whether a layer of `cell` runs through the kernel: float32 on a CPU, where there is a compiler."""
    return like.device.type == "cpu" and like.dtype == torch.float32 and kernel(cell, units) is not None
