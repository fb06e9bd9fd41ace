"""The compiled kernel of a cell: what it can run, and what it needs."""

import ctypes
import logging
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu import build
from slowpoints.engine.cpu.source import source
from slowpoints.engine.derivatives.symbols import NotElementwise

log = logging.getLogger("slowpoints")


class Kernel(NamedTuple):
    """A compiled cell, see `structures`.

    forward(Call *), backward(Call *, Back *), one_pass(Call *, Back *, Asked *)
    """

    forward: Callable[..., None]
    backward: Callable[..., None]
    one_pass: Callable[..., None]
    vector: int  # numbers per vector
    rows: int  # sequences that share a weight in registers: batches are filled up to whole blocks
    # rows, steps, Hp -> numbers in the traces of one run
    trace_numbers: Callable[[int, int, int], int]
    # rows, segments, Hp -> numbers in the marks of one run
    mark_numbers: Callable[[int, int, int], int]


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
        text = source(cell, vector=vector, rows=rows)
    except NotElementwise as reason:
        log.info("cell %s runs without the compiled kernel: %s", cell.name, reason)
        return None
    library = build.library(text)
    return None if library is None else kernel_in(library, vector=vector, rows=rows)


def kernel_in(library: ctypes.CDLL, *, vector: int, rows: int) -> Kernel:
    """Return the kernel that a compiled source holds."""
    for sizes in (library.trace_numbers, library.mark_numbers):
        sizes.argtypes, sizes.restype = [ctypes.c_long] * 3, ctypes.c_long
    return Kernel(
        _called(library.forward),
        _called(library.backward),
        _called(library.one_pass),
        vector,
        rows,
        library.trace_numbers,
        library.mark_numbers,
    )


def _called(function: Callable[..., int]) -> Callable[..., None]:
    """Return a function of the kernel that raises where it had no memory."""

    def call(*structures: Any) -> None:
        """Call it with pointers to its structures."""
        if function(*map(ctypes.byref, structures)):
            raise MemoryError("no memory for the numbers that the compiled kernel needs itself")

    return call


def runs_compiled(cell: Cell, like: Tensor, units: int) -> bool:
    """Return whether a layer of `cell` runs through the kernel.

    Float32 on a CPU, where there is a compiler.
    """
    return (
        like.device.type == "cpu"
        and like.dtype == torch.float32
        and kernel(cell, units) is not None
    )
