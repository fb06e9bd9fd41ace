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
    """Return matrix times vector.    [..., S, S], [..., S] -> [..., S]"""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def solve_in_box(lower: Tensor, upper: Tensor, gradient: Tensor, hessian: Tensor, free: Tensor) -> Solved:
    """Return the step to the least of a quadratic model inside the box of steps, approached from within.

    Entries that would leave are set on the edge, and the others solved anew for that, `EDGES` times at the most;
    what is still outside is cut off. hessian, already damped: [..., N, S, S]; the others [..., N, S]
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
    """Return the least of the model over free entries, where the others have taken their step.    all [K, ...]"""
    if free.all():
        among, pull = hessian, gradient
    else:
        among = hessian * (free.unsqueeze(-1) & free.unsqueeze(-2)) + torch.diag_embed((~free).to(hessian.dtype))
        pull = gradient + times(hessian, torch.where(free, 0.0, step))
    factor, info = torch.linalg.cholesky_ex(among)
    inner = torch.cholesky_solve(-(pull * free).unsqueeze(-1), factor).squeeze(-1)
    return Solved(torch.where(free, inner, step), factor, free.clone(), info == 0)
