"""The steps of the slow-point search: every point's progress, advanced by the best of a few dampings."""

from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.boxed import solve_in_box, times
from slowpoints.dynamics.maps import Curvature, Map, residual, residual_curvature, residual_jacobian

OPEN, FIXED, SLOW = 0, 1, 2

PATIENCE = 3  # steps in a row without progress before a phase ends
CRAWL = 0.001  # relative decrease of q below which Gauss-Newton hands over to the whole Hessian
REST = 1e-13  # relative decrease of q below which the whole Hessian has nothing left to find: a few roundings
FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-13  # relative to the mean diagonal of J'J
TRIED_DAMPINGS = (0.1, 1.0, 10.0, 100.0)  # at every step, relative to the last one taken
PROBE = 0.05  # share of a step over which the residual's second derivative is measured
REFUSED = 1000.0  # growth of the damping when no step was better


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
        return cls(point, point.new_full(point.shape[:-1], FIRST_DAMPING), zero, zero.to(torch.int8), zero)

    def at(self, columns: Tensor) -> "Progress":
        """Return the progress of some points of each leading row.    columns: [..., A]"""
        point = self.point.take_along_dim(columns.unsqueeze(-1), -2)
        return Progress(point, *(x.gather(-1, columns) for x in self[1:]))

    def where(self, moved: Tensor, after: "Progress") -> "Progress":
        """Return `after` for the points that moved, else this progress.    moved: [..., A]"""
        point = torch.where(moved.unsqueeze(-1), after.point, self.point)
        return Progress(point, *(torch.where(moved, y, x) for x, y in zip(self[1:], after[1:], strict=True)))

    def put(self, columns: Tensor, new: "Progress") -> "Progress":
        """Return all progress, with that of some points replaced.    columns: [..., A]"""
        wide = columns.unsqueeze(-1).expand_as(new.point)
        point = self.point.scatter(-2, wide, new.point)
        return Progress(point, *(x.scatter(-1, columns, y) for x, y in zip(self[1:], new[1:], strict=True)))


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
        wide = columns.unsqueeze(-1)
        return self._replace(lower=self.lower.take_along_dim(wide, -2), upper=self.upper.take_along_dim(wide, -2))

    def displacement(self, h: Tensor) -> Tensor:
        """Return r.    h: [..., N, S] -> [..., N, S]"""
        return residual(self.F, h, measure=self.measure)


class Linear(NamedTuple):
    """The displacement around a state."""

    r: Tensor  # [..., N, S]
    J: Tensor  # [..., N, S, S] dr/dh
    gradient: Tensor  # [..., N, S] of q, zero where it pushes against the box
    free: Tensor  # [..., N, S] entries that may move


def linearise(problem: Problem, h: Tensor) -> Linear:
    """Return the displacement around h.    h: [..., N, S]"""
    r = problem.displacement(h)
    J = residual_jacobian(problem.F, h, measure=problem.measure, jacobian=problem.jacobian)
    gradient = times(J.mT, r)
    pushing = ((h <= problem.lower) & (gradient > 0)) | ((h >= problem.upper) & (gradient < 0))
    return Linear(r, J, gradient.masked_fill(pushing, 0), ~pushing)


def judge(problem: Problem, here: Linear) -> tuple[Tensor, Tensor]:
    """Return the kind by the rule of the search, and the norm of the speed's gradient.    -> each [..., N]"""
    speed = here.r.norm(dim=-1)
    steepness = here.gradient.norm(dim=-1) / speed.clamp_min(torch.finfo(speed.dtype).tiny)
    kind = torch.where(steepness <= problem.slow_gradient, SLOW, OPEN)
    return torch.where(speed <= problem.fixed_speed, FIXED, kind).to(torch.int8), steepness


def _trials(problem: Problem, h: Tensor, here: Linear, hessian: Tensor, damping: Tensor) -> list[Tensor]:
    """Return the damped step, straight and bent; zero where the damped Hessian is not positive.

    hessian: [..., N, S, S]; damping: [..., N] -> each [..., N, S]. The bent one adds the acceleration that
    keeps the residual on course to second order (Transtrum & Sethna 2012): valleys of slow states are long
    and curved, and straight steps along them must be short.
    """
    damped = hessian.clone()
    damped.diagonal(dim1=-2, dim2=-1).add_(damping.unsqueeze(-1))
    found = solve_in_box(problem.lower - h, problem.upper - h, here.gradient, damped, here.free)
    ahead = problem.displacement(h + PROBE * found.step) - here.r
    second = (2 / PROBE) * (ahead / PROBE - times(here.J, found.step))
    pull = times(here.J.mT, second) * found.free
    bend = -0.5 * torch.cholesky_solve(pull.unsqueeze(-1), found.factor).squeeze(-1) * found.free
    bent = torch.clamp(h + found.step + bend, problem.lower, problem.upper) - h
    return [torch.where(found.is_valid.unsqueeze(-1), step, 0.0) for step in (found.step, bent)]


def _advance(problem: Problem, search: Progress, *, whole_hessian: bool) -> Progress:
    """Return the progress after one step of every given point, the best of a few dampings."""
    h, here = search.point, linearise(problem, search.point)
    kind, _ = judge(problem, here)
    hessian = here.J.mT @ here.J
    scale = (here.J.square().sum((-2, -1)) / h.shape[-1]).clamp_min(torch.finfo(h.dtype).tiny)
    if whole_hessian:
        hessian = hessian + residual_curvature(h, here.r, measure=problem.measure, curvature=problem.curvature)
    dampings = torch.stack([search.damping * factor for factor in TRIED_DAMPINGS])  # [D, ..., N]
    tried = [step for d in dampings for step in _trials(problem, h, here, hessian, d * scale)]
    q = 0.5 * here.r.square().sum(-1)
    falls = torch.stack([q - 0.5 * problem.displacement(h + step).square().sum(-1) for step in tried])
    fall, best = falls.nan_to_num(nan=-torch.inf).max(0)
    step = torch.stack(tried).take_along_dim(best[None, ..., None], 0)[0]
    promised = -((here.gradient + 0.5 * times(hessian, step)) * step).sum(-1)
    better = (kind == OPEN) & (fall > 0)
    little = (REST if whole_hessian else CRAWL) * q
    idle = torch.where(better, fall <= little, (promised > 0) & (promised <= little))
    taken = dampings.repeat_interleave(2, 0).gather(0, best.unsqueeze(0))[0]
    damping = torch.where(better, taken, REFUSED * search.damping)
    return Progress(
        point=torch.where(better.unsqueeze(-1), h + step, h),
        damping=damping.clamp_min(LEAST_DAMPING),
        stalled=torch.where(idle, search.stalled + 1, torch.where(better, 0, search.stalled)),
        kind=kind,
        n_iterations=search.n_iterations + (kind == OPEN),
    )


def descend(problem: Problem, search: Progress, *, whole_hessian: bool, max_iterations: int) -> Progress:
    """Return the progress when every point is at rest, no longer progressing, or out of steps.

    Only the points still moving are computed: as many columns as the leading row with most of them has.
    """
    while True:
        moving = (search.kind == OPEN) & (search.stalled < PATIENCE) & (search.n_iterations < max_iterations)
        if not moving.any():
            return search
        n_columns = int(moving.sum(-1).max())
        columns = moving.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., :n_columns]
        before = search.at(columns)
        after = _advance(problem.at(columns), before, whole_hessian=whole_hessian)
        search = search.put(columns, before.where(moving.gather(-1, columns), after))
