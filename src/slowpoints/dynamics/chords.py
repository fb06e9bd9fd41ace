"""Chords: close to a fixed point h*, one inverse serves all states.

h - (dr/dh at h*)^-1 r(h) leads there. It steers and never decides: a state is fixed only by its own
speed.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics.equation import Equation, by_matrices

CHORDS = 30  # along one inverse, at most
FOUNDERS, FOUNDING = 6, 8  # states that found chords at once, and their steps of Newton's method
SAME = 1e-6  # distance of two roots that are one, relative to their size


class Root(NamedTuple):
    """A fixed point, and the inverse of dr/dh there."""

    point: Tensor  # [S]
    inverse: Tensor  # [S, S]


def by_chords(equation: Equation, h: Tensor, speed: Tensor, roots: list[Root]) -> None:
    """Lead states along the chord of the nearest root, in place.

    Roots are founded at the slowest states that none leads, until a few such founded none.
    """
    is_tried = ~speed.isfinite()
    new = list(range(len(roots)))
    while True:
        if new:
            _along_nearest(equation, h, speed, roots, new)
        rows = ((speed > equation.fixed_speed) & ~is_tried).nonzero().flatten()
        if not len(rows):
            break
        founders = rows[speed[rows].argsort(stable=True)[:FOUNDERS]]
        is_tried[founders] = True
        before = len(roots)
        _found(equation, h, speed, founders, roots)
        new = list(range(before, len(roots)))
        if not new:
            break


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


def _found(equation: Equation, h: Tensor, speed: Tensor, rows: Tensor, roots: list[Root]) -> None:
    """Take some states to fixed points by Newton's method, in place, and add those that are new."""
    by_matrices(equation, h, speed, rows, steps=FOUNDING)
    for row in rows[speed[rows] <= equation.fixed_speed]:
        if not any(_is_same(h[row], own.point) for own in roots):
            inverse, failed = torch.linalg.inv_ex(equation.matrix(h[row, None])[0])
            if not bool(failed):
                roots.append(Root(h[row].clone(), inverse))


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
