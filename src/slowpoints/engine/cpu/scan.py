"""The compiled recurrence of one layer as one differentiable function of inputs, first states and
weights.
"""

from typing import Any

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu.call import NOWHERE, Prepared, Sizes, prepared, side_by_side, slopes
from slowpoints.engine.cpu.compiled import Kernel
from slowpoints.engine.cpu.structures import fill, rows

# steps whose traces are computed again at once; a whole number of the kernel's chunks of 128 / TILE
# steps
SEGMENT = 32
KEPT_NUMBERS = 16_000_000  # the largest trace of one run that is kept whole: 64 MB
POOL: list[
    Tensor
] = []  # traces to be used again: fresh memory costs more than the forward pass that fills it


class Scan(torch.autograd.Function):
    """All steps of one layer in one call.

    T: steps, of which the sources may give only the first, the others being zero;
    keeps: whether gradients may be asked; inputs: as in `call.Inputs`, one after the other
    -> outputs of the last `last` steps [M, B, last, k H], final states, each [M, B, H]; k: outputs
    that the cell emits
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, T: int, last: int, keeps: bool, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        """Run the recurrence; what the backward pass needs is kept unless no gradient is wanted."""
        of = prepared(cell, T, last, inputs)
        size, call = of.size, of.call
        n = max(1, cell.emitted)
        final = [state.new_empty(size.M, size.B, size.H) for state in of.first]
        out = final[0].new_empty(size.M, size.rows, last, n * size.Hp)
        kept, call.segment = traces(of.run, size, out, wanted=keeps and any(ctx.needs_input_grad))
        call.keeps = call.segment == T and len(kept)
        call.out, call.traces = rows(out), kept.data_ptr() or None
        fill(call, final=final)
        of.run.forward(call)
        ctx.of, ctx.traces = of, kept
        ctx.set_materialize_grads(False)
        return emitted(size, out, n), *final

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients; what was kept is used up, so that a second backward pass is
        refused.
        """
        if ctx.of is None:
            raise RuntimeError(
                "the compiled recurrence can be differentiated once; run it forward again"
            )
        of: Prepared = ctx.of
        kept, ctx.of, ctx.traces = ctx.traces, None, None
        own = slopes(of, ctx.needs_input_grad[4:])
        d_out, *d_final = (None if slope is None else side_by_side(slope) for slope in given)
        own.back.out = NOWHERE if d_out is None else rows(d_out)
        fill(own.back, final=d_final)
        of.call.out = NOWHERE  # outputs are not wanted again
        of.run.backward(of.call, own.back)
        POOL[:] = [*POOL[-7:], kept]
        return (None,) * 4 + own.given(of)


def emitted(size: Sizes, out: Tensor, n: int) -> Tensor:
    """Return what was emitted without what was added.

    [M, rows, last, n Hp] -> [M, B, last, n H]
    """
    if n == 1 or size.Hp == size.H:
        return out[:, : size.B, :, : n * size.H]
    return size.cut(out.unflatten(-1, (n, size.Hp))).flatten(-2)


def kept_steps(run: Kernel, size: Sizes) -> int:
    """Return the steps of a segment: all if traces are kept whole.

    Long sequences keep the states at the first step of each segment only, and compute its trace
    again. The choice is made run by run: the number of runs must not matter, not even to the order
    of a sum.
    """
    whole = run.trace_numbers(size.rows, size.T, size.Hp)
    return size.T if whole <= KEPT_NUMBERS or size.T <= SEGMENT else SEGMENT


def traces(run: Kernel, size: Sizes, like: Tensor, *, wanted: bool) -> tuple[Tensor, int]:
    """Return the memory of the traces or of the states at segments' first steps, and the steps of a
    segment.
    """
    if not wanted:
        return like.new_empty(0), min(size.T, SEGMENT // 8)
    segment = kept_steps(run, size)
    if segment == size.T:
        return _memory(like, size.M * run.trace_numbers(size.rows, size.T, size.Hp)), segment
    n_marks = run.mark_numbers(size.rows, -(-size.T // segment), size.Hp)
    return _memory(like, size.M * n_marks), segment


def _memory(like: Tensor, n: int) -> Tensor:
    """Return memory for n numbers, from the pool where it has enough."""
    fits = [i for i, own in enumerate(POOL) if n <= own.numel() <= 2 * n]
    return POOL.pop(fits[-1]) if fits else like.new_empty(n)
