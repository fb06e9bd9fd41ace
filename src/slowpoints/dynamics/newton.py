"""Fixed points from many starts at once, without a Jacobian for each: Newton's method by products
(Knoll & Keyes 2004), and chords.

Close to a fixed point h*, one inverse serves all starts: h - (J(h*) - 1)^-1 r(h) leads there. It
steers and never decides: a state is fixed only by its own speed.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.krylov import gmres
from slowpoints.dynamics.maps import (
    Map,
    Pushing,
    jacobian,
    one_step,
    pushed,
    residual,
    residual_jacobian,
    slope,
)

LOOSEST, TIGHTEST = 0.3, 1e-3  # of a linear system, as a share (Eisenstat & Walker 1996)
LENGTHS = (1.0, 0.5, 0.25, 0.125)  # of a step, tried in turn
DESCENT = 0.1  # how much of a step's promise must be kept
FIRST, LATER = (3, 15), (2, 30)  # steps and products each: before the chords, and between them
ROUNDS = 6
CHORDS = 30  # along one inverse, at most
DENSE = 8  # Newton steps with a whole Jacobian, of the one state that founds a chord
FAILURES = 3  # founders in a row that come to no new fixed point
SAME = 1e-6  # distance of two roots that are one, relative to their size
WORTH = 0.9  # share of the open states that a round may leave open and be worth another


class Equation(NamedTuple):
    """r(h) = g(F(h)) - g(h) = 0 in a box."""

    F: Map
    measure: Map
    low: Tensor  # [S]
    high: Tensor
    fixed_speed: float

    def at(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return r and its length.    [N, S] -> [N, S], [N]"""
        r = residual(self.F, h, measure=self.measure)
        return r, r.norm(dim=-1).nan_to_num(nan=torch.inf)

    def inside(self, h: Tensor) -> Tensor:
        """Return states moved into the box."""
        return torch.clamp(h, self.low, self.high)

    def products(self, h: Tensor) -> Callable[[Tensor], Tensor]:
        """Return v -> dr/dh v at some states.    [N, S] -> [N, S]"""
        push = self.F.push(h) if isinstance(self.F, Pushing) else pushed(self.F, h)
        after, before = slope(self.measure, one_step(self.F, h)), slope(self.measure, h)
        return lambda v: after * push(v) - before * v

    def matrix(self, h: Tensor) -> Tensor:
        """Return dr/dh.    [N, S] -> [N, S, S]"""
        return residual_jacobian(
            self.F, h, measure=self.measure, jacobian=lambda state: jacobian(self.F, state)
        )


class Root(NamedTuple):
    """A fixed point, and the inverse of dr/dh there."""

    point: Tensor  # [S]
    inverse: Tensor  # [S, S]


def fixed_points(
    equation: Equation, start: Tensor, roots: list[Root] | None = None
) -> tuple[Tensor, Tensor]:
    """Lead states to fixed points.    start: [N, S] -> states [N, S], and their speeds [N]

    What does not get there is left somewhere on its way. roots: those that an earlier call has
    founded; new ones are added
    """
    h = equation.inside(start)
    _, speed = equation.at(h)
    roots = [] if roots is None else roots
    h, speed = _by_products(equation, h, speed, *FIRST)
    for _ in range(ROUNDS):
        n_open = int((speed > equation.fixed_speed).sum())
        _by_chords(equation, h, speed, roots)
        if not (speed > equation.fixed_speed).any():
            break
        h, speed = _by_products(equation, h, speed, *LATER)
        if int((speed > equation.fixed_speed).sum()) > WORTH * n_open:
            break
    return h, speed


def _by_products(
    equation: Equation, h: Tensor, speed: Tensor, steps: int, most: int
) -> tuple[Tensor, Tensor]:
    """Take steps of Newton's method with all states that are not fixed."""
    h, speed = h.clone(), speed.clone()
    tolerance = torch.full_like(speed, LOOSEST)
    rows = ((speed > equation.fixed_speed) & speed.isfinite()).nonzero().flatten()
    for _ in range(steps):
        if not len(rows):
            break
        here, before = h[rows], speed[rows]
        r, _ = equation.at(here)
        enough = torch.maximum(tolerance[rows], LOOSEST * equation.fixed_speed / before)
        step = gmres(equation.products(here), -r, tolerance=enough, most=most)
        after, now = _shortened(equation, here, step.nan_to_num(), before)
        h[rows], speed[rows] = after, now
        tolerance[rows] = (0.9 * (now / before).square()).clamp(TIGHTEST, LOOSEST)
        rows = rows[(now < before) & (now > equation.fixed_speed)]
    return h, speed


def _shortened(equation: Equation, h: Tensor, step: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
    """Take the longest of a few steps that keeps its promise; none: stay.    all [N, S], [N]"""
    after, now = h.clone(), speed.clone()
    rows = torch.arange(len(h))
    for length in LENGTHS:
        tried = equation.inside(h[rows] + length * step[rows])
        _, there = equation.at(tried)
        keeps = there <= (1 - DESCENT * length) * speed[rows]
        after[rows[keeps]], now[rows[keeps]] = tried[keeps], there[keeps]
        rows = rows[~keeps]
        if not len(rows):
            break
    return after, now


def _by_chords(equation: Equation, h: Tensor, speed: Tensor, roots: list[Root]) -> None:
    """Lead states along the chord of the nearest root, in place.

    Roots are founded at the slowest states that none leads, until too many in a row found none.
    """
    is_tried, failures = ~speed.isfinite(), 0
    if roots:
        _along_nearest(equation, h, speed, roots, range(len(roots)))
    while failures < FAILURES:
        rows = ((speed > equation.fixed_speed) & ~is_tried).nonzero().flatten()
        if not len(rows):
            break
        founder = rows[speed[rows].argmin()]
        is_tried[founder] = True
        root = _founded(equation, h, speed, founder)
        is_known = root is not None and any(_is_same(root.point, own.point) for own in roots)
        if root is None or is_known:
            failures += 1
            continue
        failures = 0
        roots.append(root)
        _along_nearest(equation, h, speed, roots, [len(roots) - 1])


def _is_same(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).norm() <= SAME * (1 + a.norm()))


def _along_nearest(
    equation: Equation, h: Tensor, speed: Tensor, roots: list[Root], which: Iterable[int]
) -> None:
    """Lead the open states whose nearest root is one of some along its chord, in place."""
    rows = ((speed > equation.fixed_speed) & speed.isfinite()).nonzero().flatten()
    nearest = torch.cdist(h[rows], torch.stack([root.point for root in roots])).argmin(-1)
    for index in which:
        _along(equation, h, speed, rows[nearest == index], roots[index].inverse)


def _founded(equation: Equation, h: Tensor, speed: Tensor, row: Tensor) -> Root | None:
    """Take one state to its fixed point by whole Jacobians, in place; None: none, or singular."""
    here, now = h[row, None], speed[row, None]
    for _ in range(DENSE):
        r, _ = equation.at(here)
        step, _ = torch.linalg.solve_ex(equation.matrix(here), -r.unsqueeze(-1))
        before = now
        here, now = _shortened(equation, here, step.squeeze(-1).nan_to_num(), before)
        if float(now) <= equation.fixed_speed or not float(now) < float(before):
            break
    if not float(now) <= equation.fixed_speed:
        return None
    h[row], speed[row] = here[0], now[0]
    inverse, failed = torch.linalg.inv_ex(equation.matrix(here)[0])
    return None if bool(failed) else Root(here[0], inverse)


def _along(equation: Equation, h: Tensor, speed: Tensor, rows: Tensor, inverse: Tensor) -> None:
    """Lead states along one inverse, in place, as long as each step halves their speed."""
    for _ in range(CHORDS):
        rows = rows[speed[rows] > equation.fixed_speed]
        if not len(rows):
            break
        r, _ = equation.at(h[rows])
        tried = equation.inside(h[rows] - r @ inverse.T)
        _, there = equation.at(tried)
        halves = there <= 0.5 * speed[rows]
        rows = rows[halves]
        h[rows], speed[rows] = tried[halves], there[halves]
