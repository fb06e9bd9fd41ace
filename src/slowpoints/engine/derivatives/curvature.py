"""The second derivative of a network's step, assembled from elementwise derivatives as the first is
in `maps`.

With the step cut into leaves (see `cut`) and e the weighted sum of what it returns, elementwise in
the leaves,

    d^2 e / dh dh = sum_ab A_a^T diag(d^2 e / da db) A_b,

and the same again for read, weighted by what the second stage passes back to it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.cells.network import Network
from slowpoints.engine.border import check_constant, check_packed
from slowpoints.engine.cut import Cut, Row, slopes
from slowpoints.engine.derivatives.maps import unpack
from slowpoints.engine.fused import Layer, Params, prepare
from slowpoints.engine.recurrence import drive
from slowpoints.engine.trust import mixes_units

Curvature = Callable[[Tensor, Tensor], Tensor]


def state_curvature(net: Network, params: Params, x: Tensor) -> Curvature | None:
    """Make the curvature of `state_map` under given weights.

    C(h, w)[i, j] = sum_k w_k d^2 g(F(h))_k / dh_i dh_j, g the measure of the cell.

    Args:
        x: [M, I], as `see` returns it

    Returns:
        C: [M, N, S], [M, N, S] -> [M, N, S, S]; None for more than one layer, and for a step that
        mixes units.

    Raises:
        ValueError: parameters, an input or states that do not fit the network.
    """
    check_constant(net, params, x)
    if net.depth > 1 or mixes_units(net.cell, net.units):
        return None
    (layer,) = prepare(net, params)
    driven = drive(layer, x.unsqueeze(1))

    def curvature(h: Tensor, w: Tensor) -> Tensor:
        check_packed(h, x)
        check_packed(w, x)
        return _assembled(net.cell, layer, driven, unpack(net, h)[0], unpack(net, w)[0])

    return curvature


def _assembled(
    cell: Cell,
    layer: Layer,
    driven: tuple[Tensor, ...],
    states: tuple[Tensor, ...],
    weights: tuple[Tensor, ...],
) -> Tensor:
    with torch.enable_grad():
        cut = Cut(cell, layer, driven, states)
        returned = [
            (w * g(part)).sum() for w, g, part in zip(weights, cell.measure, cut.new, strict=False)
        ]
        by_leaf = slopes(torch.stack(returned), cut.leaves, again=True)
        pairs = _pairs(by_leaf, cut.leaves)
        if cut.seen is not None:
            passed = [torch.einsum("mbj,mnj->mnb", R, slope.detach())
                      for R, slope in zip(cut.R2, by_leaf[len(cut.inner) :], strict=True)
                      if slope is not None]  # fmt: skip
            again = slopes(torch.stack(passed).sum(0) * cut.seen, cut.inner, again=True)
            pairs = _added(pairs, _pairs(again, cut.inner))
    return _total(cut, pairs)


def _pairs(by_leaf: Row, leaves: list[Tensor]) -> list[Row]:
    """Return the second derivatives, leaf by leaf."""
    return [
        slopes(slope, leaves) if slope is not None and slope.requires_grad else [None] * len(leaves)
        for slope in by_leaf
    ]


def _added(pairs: list[Row], more: list[Row]) -> list[Row]:
    """Return pairs with `more`, of the first leaves only, added in place."""
    for row, added in zip(pairs, more, strict=False):
        for b, value in enumerate(added):
            if value is not None:
                before = row[b]
                row[b] = value if before is None else before + value
    return pairs


def _total(cut: Cut, pairs: list[Row]) -> Tensor:
    """Return sum_a A_a^T sum_b diag(pairs_ab) A_b.    -> [M, N, S, S]"""
    units = cut.like.shape[-1]
    total = cut.like.new_zeros(*cut.like.shape[:-1], cut.n * units, cut.n * units)
    for a, row in enumerate(pairs):
        if all(value is None for value in row):
            continue
        along = cut.along(row)
        if a < cut.n:
            total[..., a * units : (a + 1) * units, :] += along
        elif a < cut.n + len(cut.R):
            total[..., :units, :] += cut.R[a - cut.n].unsqueeze(1) @ along
        else:
            total += cut.by_state[a - cut.n - len(cut.R)].mT @ along
    return total
