"""Cycles: states that come back after several steps, and not before."""

from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.dynamics import arrays
from slowpoints.dynamics.descent import FIXED
from slowpoints.dynamics.maps import Map, jacobian
from slowpoints.dynamics.search import find_slow_points
from slowpoints.dynamics.spectra import merge_duplicates, spectrum


class Cycles(NamedTuple):
    """C cycles of one period P."""

    states: Tensor  # [C, P, S], in the order in which they follow each other
    multipliers: Tensor  # [C, S] complex, of a whole turn, largest modulus first


def find_cycles(
    F: Map,
    start: Tensor,
    *,
    period: int,
    radius: float,
    lower: Tensor | float = -torch.inf,
    upper: Tensor | float = torch.inf,
    max_iterations: int = 500,
) -> Cycles:
    """Find the cycles of one period.

    They are fixed points of the map taken `period` times that come back no sooner. A cycle is
    stable if all its multipliers are below one in modulus.

    Args:
        F: a map [N, S] -> [N, S] that moves every row alone
        start: where to begin, [N, S], a tensor or a numpy array
        period: in steps, 2 or more
        radius: within which two states are one
        lower, upper: the box that holds one state of the cycle; it broadcasts over the starts
        max_iterations: of the descent from each start

    Returns:
        Every cycle once, in whichever state a search met it first.

    Raises:
        ValueError: a period below two; and all that `find_slow_points` raises.
    """
    if period < 2:
        raise ValueError(f"period is {period}; points of period 1 are those of find_slow_points")
    start = arrays.states(start, name="start")
    if start.dim() != 2:
        raise ValueError(f"start has shape {list(start.shape)}; give states [N, S] of one network")

    def turn(h: Tensor) -> Tensor:
        for _ in range(period):
            h = F(h)
        return h

    found = find_slow_points(turn, start, lower=lower, upper=upper, max_iterations=max_iterations)
    fixed = found.point[found.kind == FIXED]
    orbits = _orbits(F, fixed[merge_duplicates(fixed, radius=radius).unique()], period=period)
    apart = (orbits[:, 1:] - orbits[:, :1]).norm(dim=-1)
    back = [d for d in range(1, period) if period % d == 0]
    orbits = orbits[(apart[:, [d - 1 for d in back]] > radius).all(-1)]
    kept: list[Tensor] = []
    for orbit in orbits:
        if not any((known - orbit[0]).norm(dim=-1).min() <= radius for known in kept):
            kept.append(orbit)
    states = torch.stack(kept) if kept else orbits
    return Cycles(states, spectrum(jacobian(turn, states[:, 0])))


def _orbits(F: Map, begin: Tensor, *, period: int) -> Tensor:
    """Return the states of one turn from every state.    [K, S] -> [K, P, S]"""
    states = [begin]
    for _ in range(period - 1):
        states.append(F(states[-1]).detach())
    return torch.stack(states, 1)
