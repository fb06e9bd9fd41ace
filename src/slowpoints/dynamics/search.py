"""Slow points: states where one step of a map moves least, by a batched Levenberg-Marquardt search
in a box.

For every start the search minimises q(h) = |r(h)|^2 / 2, r(h) = g(F(h)) - g(h), with g the measure
(Haviv et al. 2019: S = 2q, speed = sqrt(S)). First by the Gauss-Newton model J'J, which is cheap
and far-sighted. Where r does not vanish it is also blind: at a slow point J'r = 0, so J'J is
singular along the very direction that decides. A point that crawls therefore goes on with the whole
Hessian, J'J + sum_k r_k d^2 r_k.

The rule that ends a point's search, whatever the number of steps allowed:
- FIXED: its speed is at most `fixed_speed`;
- SLOW: the gradient of its speed, without directions that would leave the box, is at most
    `slow_gradient`;
  or, with the whole Hessian, `PATIENCE` steps in a row changed q by less than `REST` of itself;
- OPEN: neither, after `max_iterations`, or at once where the map or a derivative is not finite.

Departs: the paper takes a fixed number of Adam steps, and the speed it reports depends on that
number.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics import arrays, checks
from slowpoints.dynamics.descent import (
    OPEN,
    PATIENCE,
    SLOW,
    Problem,
    Progress,
    descend,
    judge,
    linearise,
    taken,
)
from slowpoints.dynamics.maps import Curvature, Differentiable, Map, identity, residual
from slowpoints.dynamics.maps import curvature as curvature_of
from slowpoints.dynamics.maps import jacobian as jacobian_of

# entries of all Jacobians searched at once; about fifteen such tensors live: 0.5 GB in float64
NUMBERS = 4_000_000
FIXED_SPEED = 1e-10  # at which a point is fixed


class SlowPoints(NamedTuple):
    """Where the search ended, each start's row in its place."""

    point: Tensor  # [..., N, S]
    speed: Tensor  # [..., N] at `point`
    q: Tensor  # [..., N] half the squared speed
    kind: Tensor  # [..., N] int8: OPEN, FIXED or SLOW
    gradient: Tensor  # [..., N] norm of the speed's gradient at `point`, inside the box
    n_iterations: Tensor  # [..., N] int64: steps this point took part in


def find_slow_points(
    F: Map,
    start: Tensor,
    *,
    measure: Map = identity,
    jacobian: Map | None = None,
    curvature: Curvature | None = None,
    lower: Tensor | float = -torch.inf,
    upper: Tensor | float = torch.inf,
    max_iterations: int = 500,
    fixed_speed: float = FIXED_SPEED,
    slow_gradient: float = 1e-7,
) -> SlowPoints:
    """Find states where one step of a map moves least.

    From every start a descent on the speed |g(F(h)) - g(h)| runs inside a box, in float64.
    Saturated gates make states far outside of what a network can reach nearly fixed, so the box
    matters.

    Args:
        F: a map [..., N, S] -> [..., N, S] that moves every row alone; of `Expected` maps the speed
            under noise is searched
        start: where to begin, [..., N, S], a tensor or a numpy array; a row that is not finite
            stays open
        measure: g, pointwise: the quantity whose displacement is the speed
        jacobian: h -> dF/dh, [..., N, S, S]
        curvature: h, w -> sum_k w_k d^2 g(F(h))_k / dh dh, [..., N, S, S]. Without these two the
            map's own are taken, which a `module_map` of one layer has, and else autograd's.
        lower, upper: the box; it broadcasts over the starts, which are moved into it
        max_iterations: of the descent from each start
        fixed_speed: a point is fixed at this speed or below
        slow_gradient: a point is slow where the gradient of its speed is this small

    Returns:
        The points with their speeds and kinds, row by row as the starts.

    Raises:
        TypeError, ValueError: starts that are no floating-point states; a box that is swapped, NaN
            or without room; a map that does not take float64, returns another shape or differs from
            call to call; derivatives that are not the map's.

    Reference: Sussillo & Barak 2013, equation 1.
    """
    start = arrays.states(start, name="start").double()
    low, high = checks.box(lower, upper, start)
    exact = jacobian if jacobian is not None else lambda h: jacobian_of(F, h)
    bent = (
        curvature if curvature is not None else lambda h, w: curvature_of(F, h, w, measure=measure)
    )
    problem = Problem(F, measure, exact, bent, low, high, fixed_speed, slow_gradient)
    begin = torch.clamp(start, low, high)
    draws = jacobian is not None or isinstance(F, Differentiable)
    checks.searchable(F, begin, measure=measure, jacobian=exact, draws=draws)
    width = max(1, NUMBERS // max(1, residual(F, begin[..., :1, :]).numel() * begin.shape[-1]))
    columns = torch.arange(begin.shape[-2], device=begin.device).expand(begin.shape[:-1])
    parts = [
        _searched(problem.at(some), taken(begin, some), max_iterations)
        for some in columns.split(width, -1)
    ]
    return SlowPoints(*(torch.cat(field, begin.dim() - 2) for field in zip(*parts, strict=True)))


def _searched(problem: Problem, begin: Tensor, max_iterations: int) -> SlowPoints:
    """Return where the search from some starts ended.    begin: [..., N, S]"""
    search = Progress.begin(begin)
    for whole_hessian in (False, True):
        search = search._replace(stalled=torch.zeros_like(search.stalled))
        search = descend(
            problem, search, whole_hessian=whole_hessian, max_iterations=max_iterations
        )
    here = linearise(problem, search.point)
    kind, steepness = judge(problem, here)
    speed = here.r.norm(dim=-1)
    kind = torch.where((kind == OPEN) & (search.stalled == PATIENCE), SLOW, kind)
    return SlowPoints(
        search.point, speed, 0.5 * speed.square(), kind, steepness, search.n_iterations
    )
