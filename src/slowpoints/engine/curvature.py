"""The second derivative of a network's step, assembled from elementwise derivatives as the first is in `maps`.

The step is cut at its pre-activations: leaves are the states s_i, the streams p_g = R_g^T h + ... of the first stage
and, where a second stage sees read(p, s), its streams too. With A_a the derivative of leaf a by the state, and e the
weighted sum of what the step returns, elementwise in the leaves,

    d^2 e / dh dh = sum_ab A_a^T diag(d^2 e / da db) A_b,

and the same again for read, weighted by what the second stage passes back to it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine.fused import Layer, Params, Stage, prepare
from slowpoints.engine.maps import leaves, unpack
from slowpoints.engine.network import Network
from slowpoints.engine.recurrence import drive, stage_values

Curvature = Callable[[Tensor, Tensor], Tensor]
Pairs = list[list[Tensor | None]]  # second derivatives by two leaves, None where there is none


def state_curvature(net: Network, params: Params, x: Tensor) -> Curvature | None:
    """Return C(h, w)[i, j] = sum_k w_k d^2 g(F(h))_k / dh_i dh_j, F the step under x and g the measure of its cell.

    x: [M, I]; C: [M, N, S], [M, N, S] -> [M, N, S, S]. None for networks of more than one layer.
    """
    if net.depth > 1:
        return None
    (layer,) = prepare(net, params)
    driven = drive(layer, x.unsqueeze(1))
    return lambda h, w: _assembled(net.cell, layer, driven, unpack(net, h)[0], unpack(net, w)[0])


def _assembled(
    cell: Cell, layer: Layer, driven: tuple[Tensor, ...], states: tuple[Tensor, ...], weights: tuple[Tensor, ...]
) -> Tensor:
    first, *second = layer.stages
    with torch.enable_grad():
        s = leaves(dict(zip(cell.states, states, strict=True)))
        p = {free.name: value for free, value in zip(layer.free, driven, strict=False)}
        p |= leaves(stage_values(first, driven[len(layer.free)], states[0]))
        inner = [*s.values(), *(p[name] for name in first.names)]
        seen = None
        for stage in second:
            assert cell.read is not None
            seen = cell.read(Bundle(p), Bundle(s))
            p |= leaves(stage_values(stage, driven[-1], seen.detach()))
        outer = [p[name] for stage in second for name in stage.names]
        new = cell.step(Bundle(p), Bundle(s))
        returned = [(w * g(part)).sum() for w, g, part in zip(weights, cell.measure, new, strict=False)]
        slopes = _slopes(torch.stack(returned).sum(), [*inner, *outer])
        total = _Total(states, first, [*second])
        pairs = _pairs(slopes, [*inner, *outer])
        if seen is not None:
            total.sees(_slopes(seen.sum(), inner))
            passed = [torch.einsum("mbj,mnj->mnb", R, slope.detach())
                      for R, slope in zip(total.R2, slopes[len(inner) :], strict=True)
                      if slope is not None]  # fmt: skip
            again = (torch.stack(passed).sum(0) * seen).sum()
            pairs = _added(pairs, _pairs(_slopes(again, inner), inner))
    return total.of(pairs)


def _slopes(value: Tensor, wanted: Sequence[Tensor]) -> list[Tensor | None]:
    return list(torch.autograd.grad(value, wanted, create_graph=True, allow_unused=True))


def _pairs(slopes: list[Tensor | None], wanted: Sequence[Tensor]) -> Pairs:
    """Return the derivatives of slopes, elementwise.    each [M, N, H]"""
    return [
        list(torch.autograd.grad(slope.sum(), wanted, retain_graph=True, allow_unused=True))
        if slope is not None and slope.requires_grad
        else [None] * len(wanted)
        for slope in slopes
    ]


def _added(pairs: Pairs, more: Pairs) -> Pairs:
    """Return pairs with `more`, of the first leaves only, added in place."""
    for row, added in zip(pairs, more, strict=False):
        for b, value in enumerate(added):
            if value is not None:
                before = row[b]
                row[b] = value if before is None else before + value
    return pairs


def _weights(stage: Stage) -> list[Tensor]:
    """Return the recurrent weights of a stage, stream by stream.    each [M, H, H]"""
    return list(stage.R.detach().split(stage.widths, -1)[: len(stage.names)])


class _Total:
    """The sum over pairs of leaves: n states first, then the streams of the first stage, then those of the second."""

    def __init__(self, states: tuple[Tensor, ...], first: Stage, second: list[Stage]) -> None:
        self.n, self.states = len(states), states
        self.R = _weights(first)
        self.R2 = _weights(second[0]) if second else []
        self.by_state: list[Tensor] = []  # of the second stage's streams, each [M, N, H, S]

    def sees(self, slopes: list[Tensor | None]) -> None:
        """Take the derivative of what the second stage sees, by the first leaves."""
        seen = self._combined([None if slope is None else slope.detach() for slope in slopes])
        self.by_state = [R.mT.unsqueeze(1) @ seen for R in self.R2]

    def _combined(self, row: list[Tensor | None]) -> Tensor:
        """Return sum_b diag(row_b) A_b.    -> [M, N, H, S]"""
        h = self.states[0]
        units = h.shape[-1]
        total = h.new_zeros(*h.shape, self.n * units)
        for i, slope in enumerate(row[: self.n]):
            if slope is not None:
                total[..., i * units : (i + 1) * units].diagonal(dim1=-2, dim2=-1).add_(slope)
        streams = [(slope, R) for slope, R in zip(row[self.n :], self.R, strict=False) if slope is not None]
        if streams:
            stacked, R = torch.stack([slope for slope, _ in streams], 2), torch.stack([R for _, R in streams], 2)
            total[..., :units] += torch.einsum("mnka,mbka->mnab", stacked, R)
        for slope, A in zip(row[self.n + len(self.R) :], self.by_state, strict=False):
            if slope is not None:
                total += slope.unsqueeze(-1) * A
        return total

    def of(self, pairs: Pairs) -> Tensor:
        """Return sum_a A_a^T sum_b diag(pairs_ab) A_b.    -> [M, N, S, S]"""
        h = self.states[0]
        units = h.shape[-1]
        total = h.new_zeros(*h.shape[:-1], self.n * units, self.n * units)
        for a, row in enumerate(pairs):
            if all(value is None for value in row):
                continue
            inner = self._combined([None if value is None else value.detach() for value in row])
            if a < self.n:
                total[..., a * units : (a + 1) * units, :] += inner
            elif a < self.n + len(self.R):
                total[..., :units, :] += self.R[a - self.n].unsqueeze(1) @ inner
            else:
                total += self.by_state[a - self.n - len(self.R)].mT @ inner
        return total
