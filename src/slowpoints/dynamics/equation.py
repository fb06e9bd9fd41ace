"""The equation of a fixed point in a box, and damped steps of Newton's method towards it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

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
from slowpoints.dynamics.search import NUMBERS

LENGTHS = tuple(0.5**k for k in range(8))  # of a step, tried in turn
DESCENT = 0.1  # how much of a step's promise must be kept


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

    def open_rows(self, speed: Tensor) -> Tensor:
        """Return which states may still move: neither fixed nor lost.    [N] -> [A]"""
        return ((speed > self.fixed_speed) & speed.isfinite()).nonzero().flatten()

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

    def newton_step(self, h: Tensor) -> Tensor:
        """Return the step of Newton's method; none where dr/dh is singular.    [N, S] -> [N, S]"""
        r, _ = self.at(h)
        step, failed = torch.linalg.solve_ex(self.matrix(h), -r.unsqueeze(-1))
        return step.squeeze(-1).nan_to_num().masked_fill(failed.unsqueeze(-1) > 0, 0.0)

    def shortened(self, h: Tensor, step: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
        """Take the longest of a few steps that keeps its promise; none: stay.

        h, step: [N, S], speed: [N] -> states [N, S], and their speeds [N]
        """
        after, now = h.clone(), speed.clone()
        rows = torch.arange(len(h), device=h.device)
        for length in LENGTHS:
            tried = self.inside(h[rows] + length * step[rows])
            _, there = self.at(tried)
            keeps = there <= (1 - DESCENT * length) * speed[rows]
            after[rows[keeps]], now[rows[keeps]] = tried[keeps], there[keeps]
            rows = rows[~keeps]
            if not len(rows):
                break
        return after, now


def by_matrices(equation: Equation, h: Tensor, speed: Tensor, rows: Tensor, *, steps: int) -> None:
    """Take steps of Newton's method with whole Jacobians with some of the states, in place."""
    for some in rows.split(max(1, NUMBERS // h.shape[-1] ** 2)):
        left = some
        for _ in range(steps):
            if not len(left):
                break
            here, before = h[left], speed[left]
            h[left], now = equation.shortened(here, equation.newton_step(here), before)
            speed[left] = now
            left = left[(now < before) & (now > equation.fixed_speed)]
