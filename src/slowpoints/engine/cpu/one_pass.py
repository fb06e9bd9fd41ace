"""Forward, read-out, loss and backward of a top layer in one call, tile by tile."""

from typing import Any

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine.border import KINDS, Asked, laid_out
from slowpoints.engine.cpu import structures
from slowpoints.engine.cpu.call import prepared, side_by_side, slopes
from slowpoints.engine.cpu.scan import kept_steps
from slowpoints.engine.cpu.structures import Matrix, rows


class OnePass(torch.autograd.Function):
    """The loss of a layer with the read-out on top; its gradients are made on the way.

    T: steps, of which the sources may give only the first, the others being zero; W, b: of the
    read-out, [M, H, O], [M, O]; inputs: as in `call.Inputs`, one after the other
    -> [M], the mean over rows and steps by their weights
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, T: int, asked: Asked, W: Tensor, b: Tensor, *inputs: Tensor
    ) -> Tensor:
        """Compute the loss and all gradients."""
        of = prepared(cell, T, asked.weight.shape[2], inputs)
        of.call.segment = kept_steps(of.run, of.size)
        own = slopes(of, ctx.needs_input_grad[5:])
        loss, d_W, d_b = (W.new_empty(shape) for shape in (len(W), W.shape, b.shape))
        W, b = laid_out(W), laid_out(b)
        y, allowed = side_by_side(asked.y), asked.allowed.contiguous()
        filled = structures.Asked(
            *(Matrix(x.data_ptr(), x.stride(0)) for x in (W, b, d_W, d_b)),
            rows(y),
            rows(asked.weight),
            allowed.data_ptr(),
            loss.data_ptr(),
            W.shape[2],
            KINDS.index(asked.kind),
        )
        of.run.one_pass(of.call, own.back, filled)
        ctx.slopes = (d_W, d_b, *own.given(of))
        return loss

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients, times the slope of each run's loss."""
        found, ctx.slopes = ctx.slopes, None
        if found is None:
            raise RuntimeError("a loss in one pass can be differentiated once; compute it again")
        if not bool((d_loss == 1).all()):
            found = [d if d is None else d * d_loss.view(-1, *[1] * (d.dim() - 1)) for d in found]
        return (None,) * 3 + tuple(found)
