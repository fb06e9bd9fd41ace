"""The search against an independent root finder.

All roots found, no other state called fixed, none counted twice.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.optimize import root
from torch import Tensor

from slowpoints.dynamics import (
    FIXED,
    OPEN,
    find_points,
    find_slow_points,
    jacobian,
    merge_duplicates,
    midpoints,
    spectrum,
)

SAME = 1e-6


class Network(NamedTuple):
    """h -> tanh(W h + b)."""

    W: np.ndarray
    b: np.ndarray

    def displacement(self, h: np.ndarray) -> np.ndarray:
        return np.tanh(self.W @ h + self.b) - h

    def step(self, h: Tensor) -> Tensor:
        return torch.tanh(h @ torch.from_numpy(self.W).T + torch.from_numpy(self.b))


def pitchfork(gain: float) -> Network:
    return Network(np.array([[gain]]), np.zeros(1))


def flip_flop(n_bits: int) -> Network:
    """Every bit is two units that inhibit each other and excite themselves; one of them is on."""
    bit = np.array([[1.5, -1.0], [-1.0, 1.5]])
    return Network(np.kron(np.eye(n_bits), bit), np.zeros(2 * n_bits))


def random(size: int, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        3 * rng.standard_normal((size, size)) / math.sqrt(size), 0.1 * rng.standard_normal(size)
    )


def grid(size: int, n: int) -> np.ndarray:
    return np.array(list(product(np.linspace(-1, 1, n), repeat=size)))


def roots_of(network: Network, starts: np.ndarray) -> np.ndarray:
    """Return the distinct roots of the displacement that scipy's hybrid Powell method reaches from
    the starts.
    """
    distinct: list[np.ndarray] = []
    for start in starts:
        h = root(network.displacement, start, options={"xtol": 1e-13}).x
        is_root = np.abs(network.displacement(h)).max() < 1e-11
        if is_root and all(np.abs(h - known).max() > SAME for known in distinct):
            distinct.append(h)
    return np.array(distinct)


def fixed_points(network: Network, starts: np.ndarray) -> Tensor:
    """Return the merged points that the search calls fixed, after asking each whether it
    is a root.
    """
    found = find_slow_points(network.step, torch.from_numpy(starts), lower=-1.0, upper=1.0)
    assert not (found.kind == OPEN).any()
    fixed = found.point[found.kind == FIXED]
    assert all(np.abs(network.displacement(h)).max() < 1e-9 for h in fixed.numpy())
    points = fixed[merge_duplicates(fixed, radius=SAME).unique()]
    agree(points, in_one_call(network, starts).numpy())
    return points


def in_one_call(network: Network, starts: np.ndarray) -> Tensor:
    """Return the fixed points that `find_points` has, whose range is that of the starts: -1 to
    1.
    """
    found = find_points(network.step, starts, margin=0.0, radius=SAME, n_starts=len(starts))
    assert found.n_open == 0
    assert all(np.abs(network.displacement(h)).max() < 1e-9 for h in found.fixed.states.numpy())
    return found.fixed.states


def agree(points: Tensor, roots: np.ndarray) -> None:
    distance = torch.cdist(torch.from_numpy(roots), points)
    assert distance.min(1).values.max() < SAME, "a root was missed"
    assert distance.min(0).values.max() < SAME, "what is called fixed is no root"
    assert len(points) == len(roots), "a root counts twice"


@pytest.mark.parametrize("size", [1, 3, 6])
def test_a_linear_map_has_the_one_point_that_solves_it(size):
    rng = np.random.default_rng(size)
    A, b = rng.standard_normal((size, size)), 0.1 * rng.standard_normal(size)
    expected = np.linalg.solve(np.eye(size) - A, b)
    found = find_slow_points(
        lambda h: h @ torch.from_numpy(A).T + torch.from_numpy(b), torch.zeros(1, size).double()
    )
    assert found.kind.item() == FIXED
    np.testing.assert_allclose(found.point[0].numpy(), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("gain", "n_points"), [(0.5, 1), (0.95, 1), (1.05, 3), (2.0, 3)])
def test_a_pitchfork_has_one_point_before_it_and_three_after(gain, n_points):
    starts = np.linspace(-1, 1, 41)[:, None]
    roots = roots_of(pitchfork(gain), starts)
    assert len(roots) == n_points
    agree(fixed_points(pitchfork(gain), starts), roots)


def test_a_bit_of_two_units_is_held_in_two_stable_points():
    starts = grid(2, 15)
    roots = roots_of(flip_flop(1), starts)
    points = fixed_points(flip_flop(1), starts)
    agree(points, roots)
    assert len(points) == 3
    is_stable = spectrum(jacobian(flip_flop(1).step, points))[:, 0].abs() < 1
    assert sorted(points[is_stable].sign().tolist()) == [[-1.0, 1.0], [1.0, -1.0]]


def test_bits_multiply():
    one = fixed_points(flip_flop(1), grid(2, 15)).numpy()
    both = np.array([np.concatenate(pair) for pair in product(one, repeat=2)])
    agree(fixed_points(flip_flop(2), grid(4, 7)), both)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("size", "n"), [(2, 15), (3, 9)])
def test_small_networks_have_the_points_of_an_independent_root_finder(size, n, seed):
    network, starts = random(size, seed), grid(size, n)
    roots = roots_of(network, starts)
    assert len(roots) >= 1
    agree(fixed_points(network, starts), roots)


def test_saddles_lie_between_stable_points_and_a_second_search_from_there_finds_them():
    held = flip_flop(2)
    whole = fixed_points(held, grid(4, 5))
    stable = whole[torch.linalg.eigvals(jacobian(held.step, whole)).abs().amax(-1) < 1]
    assert len(stable) == 4
    between = midpoints(stable)
    assert between.shape == (6, 4)
    found = find_slow_points(held.step, torch.cat([stable, between]))
    again = find_slow_points(held.step, midpoints(found.point))
    points = torch.cat([found.point, again.point])
    assert torch.cdist(whole, points).amin(-1).max() < 1e-6, (
        "all nine: 4 stable, 4 saddles, and the middle"
    )
    assert len(whole) == 9


def test_midpoints_of_fewer_than_two_points_are_none():
    assert midpoints(torch.zeros(1, 3)).shape == (0, 3)


def relu_roots(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return every fixed point of h -> max(0, W h + b): each linear region has one at most."""
    size, found = len(b), []
    for pattern in product([0.0, 1.0], repeat=size):
        on = np.array(pattern)
        h = np.linalg.solve(np.eye(size) - on[:, None] * W, on * b)
        if np.all((W @ h + b > 0) == (on > 0)):
            found.append(h)
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [2, 4, 6])
def test_rectified_networks_have_the_points_of_all_linear_regions(size, seed):
    rng = np.random.default_rng(100 * size + seed)
    W, b = 1.2 * rng.standard_normal((size, size)), rng.standard_normal(size)
    roots = relu_roots(W, b)
    most = 1.5 * max(1.0, np.abs(roots).max(initial=0.0))
    starts = np.vstack([np.zeros(size), np.full(size, most), most * rng.random((2000, size))])

    def step(h: Tensor) -> Tensor:
        return torch.relu(h @ torch.from_numpy(W).T + torch.from_numpy(b))

    found = find_points(step, starts, margin=0.0, radius=SAME, n_starts=len(starts))
    assert len(found.fixed) == len(roots)
    if len(roots):
        agree(found.fixed.states, roots)
