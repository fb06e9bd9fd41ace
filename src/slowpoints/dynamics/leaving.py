"""The descent to slow points, ended where it leaves the range of the states.

At an edge of the box and still drawn outward, a search is at no point of the network: what it would
find there depends on the box.
"""

import torch
from torch import Tensor

from slowpoints.dynamics.boxed import against
from slowpoints.dynamics.descent import FIXED, OPEN, pushing
from slowpoints.dynamics.maps import Map, jacobian, residual, residual_jacobian
from slowpoints.dynamics.search import NUMBERS, find_slow_points

LEFT = 3  # the kind of such a search, beside OPEN, FIXED and SLOW
FIRST = (
    15  # steps before the first look whether a search has left; each later stage is twice as long
)


def descend_within(
    F: Map, start: Tensor, *, measure: Map, low: Tensor, high: Tensor, max_iterations: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return where searches end, with their speeds and kinds.

    start: [N, S], low, high: [S]    -> [N, S], [N], int8 [N]
    """
    point, steps = start.clone(), FIRST
    speed = point.new_zeros(len(point))
    kind = torch.zeros(len(point), dtype=torch.int8, device=point.device)
    rows = torch.arange(len(point), device=point.device)
    while len(rows) and max_iterations > 0:
        steps = min(steps, max_iterations)
        found = find_slow_points(
            F, point[rows], measure=measure, lower=low, upper=high, max_iterations=steps
        )
        outside = _is_drawn_outward(F, found.point, measure=measure, low=low, high=high)
        point[rows], speed[rows] = found.point, found.speed
        kind[rows] = torch.where(outside & (found.kind != FIXED), LEFT, found.kind).to(kind)
        moved = found.n_iterations == steps  # the others have come to rest, or are lost
        rows = rows[moved & (kind[rows] == OPEN)]
        max_iterations, steps = max_iterations - steps, 2 * steps
    return point, speed, kind


def _is_drawn_outward(F: Map, h: Tensor, *, measure: Map, low: Tensor, high: Tensor) -> Tensor:
    """Return whether states at an edge of the box would move slower outside.

    h: [N, S] -> [N]
    """
    at_edge = ((h <= low) | (h >= high)).any(-1)
    is_drawn = torch.zeros_like(at_edge)
    for rows in at_edge.nonzero().flatten().split(max(1, NUMBERS // h.shape[-1] ** 2)):
        some = h[rows]
        J = residual_jacobian(
            F, some, measure=measure, jacobian=lambda state: jacobian(F, state)
        ).detach()
        gradient = against(residual(F, some, measure=measure), J)
        is_drawn[rows] = pushing(some, gradient, low, high).any(-1)
    return is_drawn
