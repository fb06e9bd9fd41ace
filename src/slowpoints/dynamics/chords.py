"""Chords: close to a fixed point h*, one inverse serves all states.

h - (dr/dh at h*)^-1 r(h) leads there. It steers and never decides: a state is fixed only by its own
speed.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.equation import Equation

CHORDS = 30  # along one inverse, at most
FOUNDING = 8  # Newton steps of the one state that founds a chord
FAILURES = 3  # founders in a row that come to no new fixed point
SAME = 1e-6  # distance of two roots that are one, relative to their size


class Root(NamedTuple):
    """A fixed point, and the inverse of dr/dh there."""

    point: Tensor  # [S]
    inverse: Tensor  # [S, S]


def by_chords(equation: Equation, h: Tensor, speed: Tensor, roots: list[Root]) -> None:
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
    rows = equation.open_rows(speed)
    nearest = torch.cdist(h[rows], torch.stack([root.point for root in roots])).argmin(-1)
    for index in which:
        _along(equation, h, speed, rows[nearest == index], roots[index].inverse)


def _founded(equation: Equation, h: Tensor, speed: Tensor, row: Tensor) -> Root | None:
    """Take one state to its fixed point by Newton's method, in place; None: none, or singular."""
    here, now = h[row, None], speed[row, None]
    for _ in range(FOUNDING):
        before = now
        here, now = equation.shortened(here, equation.newton_step(here), before)
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
