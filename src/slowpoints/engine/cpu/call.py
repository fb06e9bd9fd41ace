"""One call of the compiled kernel: a layer's tensors laid out as it reads them, and room for their
gradients.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.cells.definition import Cell
from slowpoints.engine.border import check_addresses, laid_out
from slowpoints.engine.cpu.compiled import Kernel, kernel
from slowpoints.engine.cpu.structures import Rows, fill, rows, types


class Inputs(NamedTuple):
    """What a layer computes from: sources by stage, each [M, B, T, I]; free streams.

    A free stream is [M, B, T, H], or [M, 1, 1, H] where it is the same everywhere. First states,
    each [M, B, H].

    Weights by stage, one after the other: biases [M, H], input weights [M, I, H], recurrent weights
    [M, H, H].
    """

    sources: tuple[Tensor, ...]
    free: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]


def split(cell: Cell, tensors: tuple[Any, ...]) -> Inputs:
    """Return what a flat list of a cell's inputs holds."""
    ends = [len(cell.stages)]
    ends += [ends[-1] + len(cell.free), ends[-1] + len(cell.free) + len(cell.states)]
    return Inputs(
        tensors[: ends[0]],
        tensors[ends[0] : ends[1]],
        tensors[ends[1] : ends[2]],
        tensors[ends[2] :],
    )


def by_stage(cell: Cell, weights: tuple[Any, ...]) -> list[dict[str, tuple[Any, ...]]]:
    """Return the weights of every stage by kind, streams in order."""
    given = iter(weights)
    return [{kind: tuple(next(given) for _ in names) for kind in "bWR"} for names in cell.stages]


class Sizes(NamedTuple):
    """The sizes of one call; rows and Hp.

    B and H with what whole blocks of rows and whole vectors need.
    """

    M: int
    B: int
    T: int
    H: int
    rows: int
    Hp: int

    def padded(self, x: Tensor, *, to: int | None = None) -> Tensor:
        """Return x with zeros up to whole blocks of rows, and `to` numbers (all as they are
        without).

        x: [M, B, T, n] -> [M, rows, T, to]
        """
        missing = 0 if to is None else to - x.shape[-1]
        if self.rows > self.B or missing:
            return pad(x, (0, missing, 0, 0, 0, self.rows - self.B))
        return side_by_side(x)

    def streamed(self, x: Tensor) -> Tensor:
        """Return a free stream in whole vectors.

        [M, B, T, H] -> [M, rows, T, Hp], or [M, 1, 1, H] -> [M, 1, 1, Hp]
        """
        if is_constant(x):
            return pad(x, (0, self.Hp - self.H))
        return self.padded(x, to=self.Hp)

    def cut(self, x: Tensor) -> Tensor:
        """Return what was not added.    x: [M, rows, ..., Hp] -> [M, B, ..., H]"""
        return x[:, : self.B, ..., : self.H]


class Prepared(NamedTuple):
    """A call with the tensors that its addresses point to."""

    run: Kernel
    size: Sizes
    sources: tuple[Tensor, ...]
    free: tuple[Tensor, ...]
    kinds: list[dict[str, tuple[Tensor, ...]]]
    first: list[Tensor]
    call: Any
    back: Any  # makes the structure of the gradients


def prepared(cell: Cell, T: int, last: int, inputs: tuple[Tensor, ...]) -> Prepared:
    """Return the call of one layer over T steps, without outputs, final states and traces.

    inputs: as in `Inputs`, one after the other
    """
    sources, free, states, weights = split(cell, inputs)
    M, B, H = states[0].shape
    check_addresses(M, H, sources=sources, free=free, states=states, weights=weights)
    run = kernel(cell, H)
    assert run is not None, "callers ask for the kernel before they use it"
    size = Sizes(M, B, T, H, rows=B + -B % run.rows, Hp=H + -H % run.vector)
    sources = tuple(size.padded(x) for x in sources)
    free = tuple(size.streamed(x) for x in free)
    first = [side_by_side(state) for state in states]
    kinds = by_stage(cell, tuple(map(laid_out, weights)))
    made = types(states=len(states), free=len(free), streams=max(map(len, cell.stages)))
    call = made.call(M, size.rows, B, T, H, size.Hp // run.vector, last)
    fill(call, first=first)
    point(call.free, free)
    for stage, source, own in zip(call.stage, sources, kinds, strict=False):
        stage.source, stage.given, stage.width = rows(source), *source.shape[2:]
        fill(stage, **own)
    return Prepared(run, size, sources, free, kinds, first, call, made.back)


def point(fields: Any, streams: Sequence[Tensor]) -> None:
    """Point at free streams; what is the same everywhere is read at one place."""
    for i, stream in enumerate(streams):
        fields[i] = rows(stream)
        if is_constant(stream):
            fields[i].row = fields[i].step = 0


class Slopes(NamedTuple):
    """Room for the gradients of a call, and the structure that points at it."""

    back: Any
    sources: list[Tensor | None]
    free: list[Tensor]
    first: list[Tensor]
    weights: list[Tensor]

    def given(self, of: Prepared) -> tuple[Tensor | None, ...]:
        """Return the gradients of a call's inputs, in their order."""
        cut = [
            d if d is None else d[:, : of.size.B, :, : x.shape[-1]]
            for d, x in zip(self.sources, of.sources, strict=True)
        ]
        return (*cut, *map(of.size.cut, self.free), *self.first, *self.weights)


def slopes(of: Prepared, asked: Sequence[bool]) -> Slopes:
    """Return room for the gradients of a call.    asked: for each source, whether its own is"""
    size, back = of.size, of.back()
    like = of.first[0]
    d_first = [like.new_empty(size.M, size.B, size.H) for _ in of.first]
    d_free = [torch.zeros_like(x) if is_constant(x) else torch.empty_like(x) for x in of.free]
    fill(back, first=d_first)
    point(back.free, d_free)
    d_sources: list[Tensor | None] = []
    d_weights: list[Tensor] = []
    for stage, source, own, wanted in zip(back.stage, of.sources, of.kinds, asked, strict=False):
        width = source.shape[-1] + -source.shape[-1] % of.run.vector
        d_source = source.new_empty(*source.shape[:3], width) if wanted else None
        if d_source is not None:
            stage.source, stage.source_blocks = rows(d_source), width // of.run.vector
        d_sources.append(d_source)
        new = {
            kind: [torch.empty_like(w, memory_format=torch.contiguous_format) for w in values]
            for kind, values in own.items()
        }
        fill(stage, **new)
        d_weights += [value for values in new.values() for value in values]
    return Slopes(back, d_sources, d_free, d_first, d_weights)


def is_constant(stream: Tensor) -> bool:
    """Return whether a free stream is the same for all rows and steps."""
    return stream.shape[1:3] == (1, 1)


def side_by_side(x: Tensor) -> Tensor:
    """Return x with the numbers of its last axis side by side."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


NOWHERE = Rows()  # a tensor that is not there
