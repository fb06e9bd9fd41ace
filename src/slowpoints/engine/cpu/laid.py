"""The calls of the kernel for one layer, laid out once for many steps of training."""

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu import structures
from slowpoints.engine.cpu.call import (
    NOWHERE,
    is_constant,
    point,
    prepared,
    side_by_side,
    slopes,
    split,
)
from slowpoints.engine.cpu.scan import emitted, kept_steps, traces
from slowpoints.engine.cpu.structures import fill, rows


class Laid:
    """A layer whose weights stay at their place; what it reads may lie elsewhere at every step."""

    def __init__(
        self,
        cell: Cell,
        given: tuple[Tensor, ...],
        n_steps: int,
        last: int,
        *,
        asked: list[bool],
        is_top: bool,
    ) -> None:
        """Lay out the calls.

        given: as in `call.Inputs`, one after the other; last: how many outputs are wanted; asked:
        for each source, whether its gradient is; is_top: read out in the same pass
        """
        self.cell = cell
        self.of = prepared(cell, n_steps, last, given)
        self.own = slopes(self.of, asked)
        size, call = self.of.size, self.of.call
        like = self.of.first[0]
        if is_top:
            call.segment = kept_steps(self.of.run, size)
            return
        self.n_emitted = max(1, cell.emitted)
        self.final = [like.new_empty(size.M, size.B, size.H) for _ in self.of.first]
        self.out = like.new_empty(size.M, size.rows, last, self.n_emitted * size.Hp)
        self.traces, call.segment = traces(self.of.run, size, self.out, wanted=True)
        call.keeps, call.traces = call.segment == n_steps, self.traces.data_ptr()
        fill(call, final=self.final)

    def read(self, given: tuple[Tensor, ...]) -> None:
        """Read other tensors of the same shapes; weights are read where they were.

        given: as at the beginning
        """
        sources, free, states, _ = split(self.cell, given)
        size, call = self.of.size, self.of.call
        self.held = (
            [size.padded(x) for x in sources],
            [size.streamed(x) for x in free],
            [side_by_side(state) for state in states],
        )
        for stage, source in zip(call.stage, self.held[0], strict=False):
            stage.source = rows(source)
        point(call.free, self.held[1])
        fill(call, first=self.held[2])

    def forward(self) -> Tensor:
        """Return the outputs.    -> [M, B, last, k H]"""
        self.of.call.out = rows(self.out)
        self.of.run.forward(self.of.call)
        return emitted(self.of.size, self.out, self.n_emitted)

    def backward(self, slope: Tensor) -> None:
        """Compute the gradients from those of the outputs.    slope: [M, B, last, k H]"""
        self._from_zero()
        slope = side_by_side(slope)
        self.of.call.out, self.own.back.out = NOWHERE, rows(slope)
        self.of.run.backward(self.of.call, self.own.back)

    def one_pass(self, asked: structures.Asked) -> None:
        """Compute the loss and the gradients of the top layer and the read-out."""
        self._from_zero()
        self.of.run.one_pass(self.of.call, self.own.back, asked)

    def _from_zero(self) -> None:
        for slope, stream in zip(self.own.free, self.of.free, strict=True):
            if is_constant(stream):  # the kernel adds up what it finds here
                slope.zero_()

    @property
    def given(self) -> tuple[Tensor | None, ...]:
        """The gradients, in the order of what was given."""
        return self.own.given(self.of)


def total(found: list[Tensor]) -> Tensor:
    """Return the sum of slopes of one tensor that several stages read."""
    return found[0] if len(found) == 1 else torch.add(*found)
