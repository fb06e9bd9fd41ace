"""One step of one layer, cut at its pre-activations.

What its derivatives by the state are assembled from.

Leaves are the states s_i, the streams p_g = R_g^T h + ... of the first stage and, where a second
stage sees read(p, s), its streams too. The step is elementwise in them; A_a is the derivative of
leaf a by the state.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine.fused import Layer, Stage
from slowpoints.engine.recurrence import stage_values

# a number per unit for every leaf, each [M, N, H]; None where all are zero
Row = list[Tensor | None]


class Cut:
    """The leaves of a step, n states first, and what is computed from them.

    To be made where gradients are on.
    """

    def __init__(
        self, cell: Cell, layer: Layer, driven: tuple[Tensor, ...], states: tuple[Tensor, ...]
    ) -> None:
        """Take the step apart at given states, each [M, N, H]."""
        first, *second = layer.stages
        s = _leaves(dict(zip(cell.states, states, strict=True)))
        p = {free.name: value for free, value in zip(layer.free, driven, strict=False)}
        p |= _leaves(stage_values(first, driven[len(layer.free)], states[0]))
        self.n, self.like = len(states), states[0]
        self.inner = [*s.values(), *(p[name] for name in first.names)]
        self.leaves = list(self.inner)
        self.R, self.R2 = _weights(first), list[Tensor]()
        self.by_state: list[Tensor] = []  # A of the second stage's streams, each [M, N, H, S]
        self.seen: Tensor | None = None  # what the second stage sees
        for stage in second:
            assert cell.read is not None
            self.seen, self.R2 = cell.read(Bundle(p), Bundle(s)), _weights(stage)
            along = self.along(slopes(self.seen, self.inner))
            self.by_state = [R.mT.unsqueeze(1) @ along for R in self.R2]
            p |= _leaves(stage_values(stage, driven[-1], self.seen.detach()))
            self.leaves += [p[name] for name in stage.names]
        self.new = cell.step(Bundle(p), Bundle(s))

    def along(self, row: Row) -> Tensor:
        """Return sum_a diag(row_a) A_a.    -> [M, N, H, S]"""
        units = self.like.shape[-1]
        total = self.like.new_zeros(*self.like.shape, self.n * units)
        values = [None if value is None else value.detach() for value in row]
        streams = [
            (value, R)
            for value, R in zip(values[self.n :], self.R, strict=False)
            if value is not None
        ]
        if streams:
            stacked, R = (torch.stack(parts, 2) for parts in zip(*streams, strict=True))
            total[..., :units] += torch.einsum("mnka,mbka->mnab", stacked, R)
        for value, A in zip(values[self.n + len(self.R) :], self.by_state, strict=False):
            if value is not None:
                total += value.unsqueeze(-1) * A
        for column, value in zip(total.split(units, -1), values, strict=False):
            if value is not None:
                column.diagonal(dim1=-2, dim2=-1).add_(value)
        return total


def slopes(value: Tensor, wanted: Sequence[Tensor], *, again: bool = False) -> Row:
    """Return the derivative of an elementwise value, to be differentiated `again` or not."""
    if not value.requires_grad:  # a constant
        return [None] * len(wanted)
    return list(
        torch.autograd.grad(
            value.sum(), wanted, retain_graph=True, create_graph=again, allow_unused=True
        )
    )


def _leaves(values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().requires_grad_() for name, value in values.items()}


def _weights(stage: Stage) -> list[Tensor]:
    """Return the recurrent weights of a stage, stream by stream.    each [M, H, H]"""
    return list(stage.R.detach().split(stage.widths, -1)[: len(stage.names)])
