"""The steps of the slow-point search.

Every point's progress, advanced by the best of a few dampings.

What is done for some points only is done for as many columns as the leading row with most of them
has.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.boxed import against, solve, solve_in_box, times
from slowpoints.dynamics.maps import Curvature, Map, residual, residual_curvature, residual_jacobian

OPEN, FIXED, SLOW = 0, 1, 2

PATIENCE = 3  # steps in a row without progress before a phase ends
# in place of that number: the map or a derivative is not finite there, no step can be better
LOST = PATIENCE + 1
CRAWL = 0.001  # relative decrease of q below which Gauss-Newton hands over to the whole Hessian
# relative decrease of q below which the whole Hessian has nothing left to find: a few roundings
REST = 1e-13
FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-13  # relative to the mean diagonal of J'J
TRIED_DAMPINGS = (0.1, 1.0, 10.0, 100.0)  # at every step, relative to the last one taken
SUFFICIENT = (
    0.99  # share of q that the first damping must take away, for the others to be left untried
)
PROBE = 0.05  # share of a step over which the residual's second derivative is measured
REFUSED = 1000.0  # growth of the damping when no step was better


def chosen(mask: Tensor) -> Tensor:
    """Return columns that hold all true entries of every leading row.

    [..., N] -> [..., A], A <= N
    """
    n_columns = int(mask.sum(-1).max())
    return mask.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., :n_columns]


def taken(x: Tensor, columns: Tensor) -> Tensor:
    """Return some points of each leading row.

    x: [..., N, (S, S)], columns: [..., A] -> [..., A, (S, S)]
    """
    shape = columns.shape[:-1]
    before = torch.arange(math.prod(shape), device=columns.device).view(*shape, 1)
    before = before * x.shape[columns.dim() - 1]
    flat = x.flatten(0, columns.dim() - 1)  # rows copied whole: five times as fast as gather
    return flat.index_select(0, (columns + before).flatten()).unflatten(0, columns.shape)


def replaced(x: Tensor, columns: Tensor, new: Tensor) -> Tensor:
    """Return x with some points of each leading row replaced: the inverse of `taken`.

    new: [..., A, (S)]
    """
    wide = columns[(..., *[None] * (x.dim() - columns.dim()))].expand_as(new)
    return x.scatter(columns.dim() - 1, wide, new)


class Progress(NamedTuple):
    """Every point's progress."""

    point: Tensor  # [..., N, S]
    damping: Tensor  # [..., N] relative to the mean diagonal of J'J
    stalled: Tensor  # [..., N] steps in a row without progress
    kind: Tensor  # [..., N]
    n_iterations: Tensor  # [..., N]

    @classmethod
    def begin(cls, point: Tensor) -> "Progress":
        """Return the progress before the first step."""
        zero = torch.zeros(point.shape[:-1], dtype=torch.int64, device=point.device)
        return cls(
            point, point.new_full(point.shape[:-1], FIRST_DAMPING), zero, zero.to(torch.int8), zero
        )

    def at(self, columns: Tensor) -> "Progress":
        """Return the progress of some points of each leading row.    columns: [..., A]"""
        return Progress(*(taken(x, columns) for x in self))

    def where(self, moved: Tensor, after: "Progress") -> "Progress":
        """Return `after` for the points that moved, else this progress.    moved: [..., A]"""
        point = torch.where(moved.unsqueeze(-1), after.point, self.point)
        return Progress(
            point, *(torch.where(moved, y, x) for x, y in zip(self[1:], after[1:], strict=True))
        )

    def put(self, columns: Tensor, new: "Progress") -> "Progress":
        """Return all progress, with that of some points replaced.    columns: [..., A]"""
        return Progress(*(replaced(x, columns, y) for x, y in zip(self, new, strict=True)))


class Problem(NamedTuple):
    """What is searched, and how finely."""

    F: Map
    measure: Map
    jacobian: Map
    curvature: Curvature
    lower: Tensor  # [..., N, S]
    upper: Tensor
    fixed_speed: float
    slow_gradient: float

    def at(self, columns: Tensor) -> "Problem":
        """Return the problem of some points of each leading row.    columns: [..., A]"""
        return self._replace(lower=taken(self.lower, columns), upper=taken(self.upper, columns))

    def displacement(self, h: Tensor) -> Tensor:
        """Return r.    h: [..., N, S] -> [..., N, R]"""
        return residual(self.F, h, measure=self.measure)


class Linear(NamedTuple):
    """The displacement around a state."""

    h: Tensor  # [..., N, S]
    r: Tensor  # [..., N, R]
    J: Tensor  # [..., N, R, S] dr/dh
    gradient: Tensor  # [..., N, S] of q, zero where it pushes against the box
    free: Tensor  # [..., N, S] entries that may move


def pushing(h: Tensor, gradient: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Return which entries are at an edge of the box and would fall outside.    all [..., S]"""
    return ((h <= lower) & (gradient > 0)) | ((h >= upper) & (gradient < 0))


def linearise(problem: Problem, h: Tensor) -> Linear:
    """Return the displacement around h.    h: [..., N, S]"""
    r = problem.displacement(h)
    J = residual_jacobian(problem.F, h, measure=problem.measure, jacobian=problem.jacobian).detach()
    gradient = against(r, J)
    at_edge = pushing(h, gradient, problem.lower, problem.upper)
    return Linear(h, r, J, gradient.masked_fill(at_edge, 0), ~at_edge)


def judge(problem: Problem, here: Linear) -> tuple[Tensor, Tensor]:
    """Return the kind by the rule of the search, and the norm of the speed's gradient.

    -> each [..., N]
    """
    speed = here.r.norm(dim=-1)
    steepness = here.gradient.norm(dim=-1) / speed.clamp_min(torch.finfo(speed.dtype).tiny)
    kind = torch.where(steepness <= problem.slow_gradient, SLOW, OPEN)
    return torch.where(speed <= problem.fixed_speed, FIXED, kind).to(torch.int8), steepness


class Trial(NamedTuple):
    """A step under one damping, relative to the mean diagonal of J'J."""

    step: Tensor  # [..., N, S]
    fall: Tensor  # [..., N] of q
    damping: Tensor  # [..., N]

    def where(self, better: Tensor, other: "Trial") -> "Trial":
        """Return `other` where it is better, else this.    better: [..., N]"""
        step = torch.where(better.unsqueeze(-1), other.step, self.step)
        return Trial(
            step, *(torch.where(better, y, x) for x, y in zip(self[1:], other[1:], strict=True))
        )


def _try(problem: Problem, here: Linear, hessian: Tensor, scale: Tensor, damping: Tensor) -> Trial:
    """Return the better of the damped step straight and bent.

    Zero where the damped Hessian is not positive.

    hessian: [..., N, S, S]; scale, damping: [..., N]. The bent one adds the acceleration that keeps
    the residual on course to second order (Transtrum & Sethna 2012): valleys of slow states are
    long and curved, and straight steps along them must be short.
    """
    h, q = here.h, 0.5 * here.r.square().sum(-1)
    damped = hessian.clone()
    damped.diagonal(dim1=-2, dim2=-1).add_((damping * scale).unsqueeze(-1))
    found = solve_in_box(problem.lower - h, problem.upper - h, here.gradient, damped, here.free)
    ahead = problem.displacement(h + PROBE * found.step) - here.r
    second = (2 / PROBE) * (ahead / PROBE - times(here.J, found.step))
    bend = -0.5 * solve(found.factor, against(second, here.J) * found.free) * found.free
    bent = torch.clamp(h + found.step + bend, problem.lower, problem.upper) - h
    best = Trial(torch.zeros_like(h), torch.full_like(q, -torch.inf), damping)
    for step in (found.step, bent):
        usable = torch.where(found.is_valid.unsqueeze(-1), step, 0.0)
        fall = (q - 0.5 * problem.displacement(h + usable).square().sum(-1)).nan_to_num(
            nan=-torch.inf
        )
        best = best.where(fall > best.fall, Trial(usable, fall, damping))
    return best


def _best(
    problem: Problem, here: Linear, hessian: Tensor, damping: Tensor, is_open: Tensor
) -> Trial:
    """Return the trial of the first damping where that suffices, else the best of all.

    damping: [..., N]
    """
    scale = (here.J.square().sum((-2, -1)) / here.h.shape[-1]).clamp_min(
        torch.finfo(damping.dtype).tiny
    )
    first = _try(problem, here, hessian, scale, TRIED_DAMPINGS[0] * damping)
    goes_on = is_open & ~(first.fall >= SUFFICIENT * 0.5 * here.r.square().sum(-1))
    if not goes_on.any():
        return first
    columns = chosen(goes_on)
    problem, here = problem.at(columns), Linear(*(taken(x, columns) for x in here))
    hessian, scale, damping, goes_on = (
        taken(x, columns) for x in (hessian, scale, damping, goes_on)
    )
    best = Trial(*(taken(x, columns) for x in first))
    for factor in TRIED_DAMPINGS[1:]:
        other = _try(problem, here, hessian, scale, factor * damping)
        best = best.where(goes_on & (other.fall > best.fall), other)
    return Trial(*(replaced(x, columns, y) for x, y in zip(first, best, strict=True)))


def _advance(problem: Problem, search: Progress, *, whole_hessian: bool) -> Progress:
    """Return the progress after one step of every given point."""
    h, here = search.point, linearise(problem, search.point)
    kind, _ = judge(problem, here)
    hessian = here.J.mT @ here.J
    if whole_hessian:
        bent = residual_curvature(h, here.r, measure=problem.measure, curvature=problem.curvature)
        hessian = hessian + bent.detach()
    step, fall, damping = _best(problem, here, hessian, search.damping, kind == OPEN)
    promised = -((here.gradient + 0.5 * times(hessian, step)) * step).sum(-1)
    better = (kind == OPEN) & (fall > 0)
    little = (REST if whole_hessian else CRAWL) * 0.5 * here.r.square().sum(-1)
    is_lost = ~(here.r.sum(-1) + here.gradient.sum(-1) + hessian.sum((-2, -1))).isfinite()
    idle = torch.where(better, fall <= little, (promised > 0) & (promised <= little))
    return Progress(
        point=torch.where(better.unsqueeze(-1), h + step, h),
        damping=torch.where(better, damping, REFUSED * search.damping).clamp_min(LEAST_DAMPING),
        stalled=torch.where(
            is_lost,
            LOST,
            torch.where(idle, search.stalled + 1, torch.where(better, 0, search.stalled)),
        ),
        kind=kind,
        n_iterations=search.n_iterations + (kind == OPEN),
    )


def descend(
    problem: Problem, search: Progress, *, whole_hessian: bool, max_iterations: int
) -> Progress:
    """Return the progress when every point is at rest, no longer progressing, or out of steps."""
    while True:
        moving = (
            (search.kind == OPEN)
            & (search.stalled < PATIENCE)
            & (search.n_iterations < max_iterations)
        )
        if not moving.any():
            return search
        columns = chosen(moving)
        before = search.at(columns)
        after = _advance(problem.at(columns), before, whole_hessian=whole_hessian)
        search = search.put(columns, before.where(moving.gather(-1, columns), after))
