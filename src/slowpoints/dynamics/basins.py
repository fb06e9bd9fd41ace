"""Basins: the point that a trajectory ends in."""

from typing import Any

import torch
from torch import Tensor

from slowpoints.dynamics import arrays
from slowpoints.dynamics.maps import Map, one_step

NOWHERE = -1


@torch.no_grad()
def basins(
    F: Map, start: Any, points: Any, *, radius: float, settle: int = 100, max_steps: int = 10_000
) -> Tensor:
    """Tell for every state in which point its trajectory ends.

    A trajectory that has come within `radius` of a point goes on for as many steps again, at least
    `settle`; only if it is there still has it ended. So one that passes a saddle on its way is not
    counted there.

    Args:
        F: a map [N, S] -> [N, S] that moves every row alone
        start: states [N, S], a tensor or a numpy array
        points: [K, S], as `Points.states`
        radius: how near to a point a trajectory must stay
        settle: steps that a trajectory must stay, at least
        max_steps: of a trajectory

    Returns:
        [N] int64: the index of a point, or -1 where a trajectory ends in none of them, or leaves
        all bounds.

    Raises:
        ValueError: states and points of different widths, or more than one network.
    """
    h = arrays.states(start, name="start").double()
    ends = arrays.states(points, name="points").to(h)
    if h.dim() != 2 or ends.dim() != 2 or h.shape[1] != ends.shape[1]:
        raise ValueError(
            f"start and points have shapes {list(h.shape)} and {list(ends.shape)}; give states "
            "[N, S] and points [K, S] of one network"
        )
    ended = torch.full((len(h),), NOWHERE, device=h.device)
    if not len(ends):
        return ended
    before, taken = ended, 0
    while taken < max_steps and (ended == NOWHERE).any():
        further = min(max(settle, taken), max_steps - taken)
        for _ in range(further):
            h = one_step(F, h)
        taken += further
        distance, which = torch.cdist(h, ends).nan_to_num(nan=torch.inf).min(-1)
        now = torch.where(distance <= radius, which, NOWHERE)
        ended, before = torch.where(now == before, now, NOWHERE), now
    return ended
