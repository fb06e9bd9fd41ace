"""The compiled recurrence of one layer as one differentiable function of inputs, first states and
weights.
"""

import ctypes
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.cells.definition import Cell
from slowpoints.engine.border import check_addresses, laid_out
from slowpoints.engine.cpu.compiled import Kernel, kernel
from slowpoints.engine.cpu.structures import Rows, fill, rows, types

# steps whose traces are computed again at once; a whole number of the kernel's chunks of 128 / TILE
# steps
SEGMENT = 32
KEPT_NUMBERS = 16_000_000  # the largest trace of one run that is kept whole: 64 MB
POOL: list[
    Tensor
] = []  # traces to be used again: fresh memory costs more than the forward pass that fills it


class Inputs(NamedTuple):
    """What a layer computes from: sources by stage, each [M, B, T, I]; free streams.

    First states, each [M, B, H].

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
        return _rows(x)

    def cut(self, x: Tensor) -> Tensor:
        """Return what was not added.    x: [M, rows, ..., Hp] -> [M, B, ..., H]"""
        return x[:, : self.B, ..., : self.H]


class Scan(torch.autograd.Function):
    """All steps of one layer in one call.

    T: steps, of which the sources may give only the first, the others being zero;
    keeps: whether gradients may be asked; inputs: as in `Inputs`, one after the other
    -> outputs of the last `last` steps [M, B, last, H], final states, each [M, B, H]
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, T: int, last: int, keeps: bool, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        """Run the recurrence; what the backward pass needs is kept unless no gradient is wanted."""
        sources, free, states, weights = split(cell, inputs)
        M, B, H = states[0].shape
        check_addresses(M, H, sources=sources, free=free, states=states, weights=weights)
        run = kernel(cell, H)
        assert run is not None, "callers ask for the kernel before they use it"
        size = Sizes(M, B, T, H, rows=B + -B % run.rows, Hp=H + -H % run.vector)
        sources = tuple(size.padded(x) for x in sources)
        free = tuple(size.padded(x, to=size.Hp) for x in free)
        first = [_rows(state) for state in states]
        final = [state.new_empty(M, B, H) for state in states]
        out = final[0].new_empty(M, size.rows, last, size.Hp)
        traces, segment = _traces(run, size, out, wanted=keeps and any(ctx.needs_input_grad))
        structures = types(states=len(states), free=len(free), streams=max(map(len, cell.stages)))
        call = structures.call(
            M,
            size.rows,
            B,
            T,
            H,
            size.Hp // run.vector,
            last,
            segment,
            segment == T and len(traces),
        )
        call.out, call.traces = rows(out), traces.data_ptr() or None
        fill(call, free=free, first=first, final=final)
        kinds = by_stage(cell, tuple(map(laid_out, weights)))
        for stage, source, own in zip(call.stage, sources, kinds, strict=False):
            stage.source, stage.given, stage.width = rows(source), *source.shape[2:]
            fill(stage, **own)
        run.forward(ctypes.byref(call))
        ctx.cell = cell
        ctx.size = size
        ctx.run = run
        ctx.call = call
        ctx.back = structures.back
        ctx.held = (sources, free, kinds, traces)
        ctx.set_materialize_grads(False)
        return size.cut(out), *final

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients; what was kept is used up, so that a second backward pass is
        refused.
        """
        if ctx.held is None:
            raise RuntimeError(
                "the compiled recurrence can be differentiated once; run it forward again"
            )
        (sources, free, kinds, traces), ctx.held = ctx.held, None
        size, call, back = ctx.size, ctx.call, ctx.back()
        d_out, *d_final = (None if slope is None else _rows(slope) for slope in slopes)
        d_first = [traces.new_empty(size.M, size.B, size.H) for _ in d_final]
        d_free = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in free]
        back.out = Rows() if d_out is None else rows(d_out)
        fill(back, free=d_free, final=d_final, first=d_first)
        d_sources: list[Tensor | None] = []
        d_weights: list[Tensor] = []
        for stage, source, own, asked in zip(
            back.stage, sources, kinds, ctx.needs_input_grad[4:], strict=False
        ):
            width = source.shape[-1]
            d_sources.append(
                source.new_empty(*source.shape[:3], width + -width % ctx.run.vector)
                if asked
                else None
            )
            if d_sources[-1] is not None:
                stage.source = rows(d_sources[-1])
                stage.source_blocks = d_sources[-1].shape[-1] // ctx.run.vector
            new = {
                kind: [torch.empty_like(w, memory_format=torch.contiguous_format) for w in values]
                for kind, values in own.items()
            }
            fill(stage, **new)
            d_weights += [value for values in new.values() for value in values]
        call.out = Rows()  # outputs are not wanted again
        ctx.run.backward(ctypes.byref(call), ctypes.byref(back))
        POOL[:] = [*POOL[-7:], traces]
        cut = [
            d if d is None else d[:, : size.B, :, : x.shape[-1]]
            for d, x in zip(d_sources, sources, strict=True)
        ]
        return (None,) * 4 + (*cut, *map(size.cut, d_free), *d_first, *d_weights)


def _rows(x: Tensor) -> Tensor:
    """Return x with the numbers of its last axis side by side."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def _traces(run: Kernel, size: Sizes, like: Tensor, *, wanted: bool) -> tuple[Tensor, int]:
    """Return the memory of the traces, and the steps of a segment.

    All steps if traces are kept whole.

    Long sequences keep the states at the first step of each segment only, and compute its trace
    again. The choice is made run by run: the number of runs must not matter, not even to the order
    of a sum.
    """
    whole = run.trace_numbers(size.rows, size.T, size.Hp)
    if not wanted:
        return like.new_empty(0), min(size.T, SEGMENT // 8)
    if whole <= KEPT_NUMBERS or size.T <= SEGMENT:
        return _memory(like, size.M * whole), size.T
    marks = run.mark_numbers(size.rows, -(-size.T // SEGMENT), size.Hp)
    return _memory(like, size.M * marks), SEGMENT


def _memory(like: Tensor, n: int) -> Tensor:
    """Return memory for n numbers, from the pool where it has enough."""
    fits = [i for i, own in enumerate(POOL) if n <= own.numel() <= 2 * n]
    return POOL.pop(fits[-1]) if fits else like.new_empty(n)
