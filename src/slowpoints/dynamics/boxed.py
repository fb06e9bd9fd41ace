"""Many small quadratic models, each minimised inside its box."""

from typing import NamedTuple

import torch
from torch import Tensor

EDGES = 3  # solutions per step, each with more entries on the edge of the box


class Solved(NamedTuple):
    """The least of a quadratic model inside the box."""

    step: Tensor  # [..., N, S]
    factor: Tensor  # [..., N, S, S] of its Hessian, among the entries that are free in the end
    free: Tensor  # [..., N, S]
    is_valid: Tensor  # [..., N] the Hessian is positive


def times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Return matrix times vector.    [..., R, S], [..., S] -> [..., R]"""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def against(vector: Tensor, matrix: Tensor) -> Tensor:
    """Return the transposed matrix times vector, its rows read in order.

    [..., R], [..., R, S] -> [..., S]
    """
    return (vector.unsqueeze(-2) @ matrix).squeeze(-2)


def solve(factor: Tensor, vector: Tensor) -> Tensor:
    """Return x with L L^T x = vector, L the factor.    [..., S, S], [..., S] -> [..., S]"""
    half = torch.linalg.solve_triangular(factor, vector.unsqueeze(-1), upper=False)
    return torch.linalg.solve_triangular(factor.mT, half, upper=True).squeeze(-1)


def solve_in_box(
    lower: Tensor, upper: Tensor, gradient: Tensor, hessian: Tensor, free: Tensor
) -> Solved:
    """Return the step to the least of a quadratic model inside the box of steps, approached from
    within.

    Entries that would leave are set on the edge, and the others solved anew for that, `EDGES` times
    at the most; what is still outside is cut off. hessian, already damped: [..., N, S, S]; the
    others [..., N, S]
    """
    shape, low, high = hessian.shape[:-2], lower.flatten(0, -2), upper.flatten(0, -2)
    slope, model = gradient.flatten(0, -2), hessian.flatten(0, -3)
    found = _solve_among(slope, model, free.flatten(0, -2), torch.zeros_like(slope))
    rows = torch.arange(len(slope), device=slope.device)
    for solutions_left in reversed(range(EDGES)):
        step, among = found.step[rows], found.free[rows]
        leaves = among & ((step < low[rows]) | (step > high[rows]))
        found.step[rows] = torch.clamp(step, low[rows], high[rows])
        found.free[rows] = among & ~leaves
        rows = rows[leaves.any(-1)]
        if not len(rows) or not solutions_left:
            break
        again = _solve_among(slope[rows], model[rows], found.free[rows], found.step[rows])
        for whole, part in zip(found, again, strict=True):
            whole[rows] = part
    return Solved(*(part.unflatten(0, shape) for part in found))


def _solve_among(gradient: Tensor, hessian: Tensor, free: Tensor, step: Tensor) -> Solved:
    """Return the least of the model over free entries, where the others have taken their step.

    all [K, ...]
    """
    pinned = ~free.all(-1)
    among, pull = hessian, gradient
    if pinned.any():
        own, model = free[pinned], hessian[pinned]
        among = hessian.clone()
        among[pinned] = model * (own.unsqueeze(-1) & own.unsqueeze(-2)) + torch.diag_embed(
            (~own).to(model.dtype)
        )
        pull = gradient.clone()
        pull[pinned] += times(model, torch.where(own, 0.0, step[pinned]))
    factor, info = torch.linalg.cholesky_ex(among)
    inner = solve(factor, -pull * free)
    return Solved(torch.where(free, inner, step), factor, free.clone(), info == 0)
