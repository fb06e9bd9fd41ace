"""The kernel's C structures, filled with the addresses of tensors.

Whoever makes one keeps the tensors alive until the call is over.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from torch import Tensor

POINTER, LONG = ctypes.c_void_p, ctypes.c_long


class Rows(ctypes.Structure):
    """A tensor [M, B, T, n], its numbers n side by side."""

    _fields_ = [("start", POINTER), ("run", LONG), ("row", LONG), ("step", LONG)]


class Matrix(ctypes.Structure):
    """A weight [M, n, H], each run's numbers side by side."""

    _fields_ = [("start", POINTER), ("run", LONG)]


class Asked(ctypes.Structure):
    """The read-out, and what its outputs are compared with; see `kernel_pass`."""

    _fields_ = [
        *((name, Matrix) for name in ("W", "b", "d_W", "d_b")),
        ("wanted", Rows),
        ("weight", Rows),
        ("allowed", POINTER),
        ("loss", POINTER),
        ("O", LONG),
        ("kind", LONG),
    ]


class Types(NamedTuple):
    """The structures of one cell, whose arrays are as long as its lists of states and streams."""

    call: Any
    back: Any


@cache
def types(*, states: int, free: int, streams: int) -> Types:
    """Return the structures of the kernel for a cell with so many states, free streams, and streams
    in a stage.
    """

    def structure(name: str, **fields: Any) -> Any:
        return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})

    weights = {kind: Matrix * streams for kind in ("b", "W", "R")}
    stage = structure("Stage", source=Rows, given=LONG, width=LONG, **weights)
    back_stage = structure("BackStage", source=Rows, source_blocks=LONG, **weights)
    sizes = dict.fromkeys(("M", "B", "batch", "T", "H", "blocks", "last", "segment", "keeps"), LONG)
    call = structure(
        "Call",
        **sizes,
        stage=stage * 2,
        free=Rows * (free + 1),
        out=Rows,
        first=Rows * states,
        final=Rows * states,
        traces=POINTER,
    )
    back = structure(
        "Back",
        stage=back_stage * 2,
        out=Rows,
        free=Rows * (free + 1),
        final=Rows * states,
        first=Rows * states,
    )
    return Types(call, back)


def fill(structure: ctypes.Structure, **tensors: Sequence[Tensor | None]) -> None:
    """Point the arrays of a structure at tensors, each [M, B, T, n] or [M, B, n].

    [M, n, H] or [M, H] for weights.

    Those that are None stay null.
    """
    for name, values in tensors.items():
        field = getattr(structure, name)
        for i, value in enumerate(values):
            if value is not None:
                field[i] = (
                    rows(value)
                    if isinstance(field[i], Rows)
                    else Matrix(value.data_ptr(), value.stride(0))
                )


def rows(x: Tensor) -> Rows:
    """Return where a tensor [M, B, T, n] or [M, B, n] is."""
    return Rows(x.data_ptr(), *x.stride()[:3])
