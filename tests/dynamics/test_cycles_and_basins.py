"""Cycles and basins of maps that are known on paper."""

import math

import pytest
import torch
from torch import Tensor

from slowpoints.dynamics import basins, find_cycles, find_points

GRID = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)[:, None]


def logistic(r: float):
    return lambda x: r * x * (1 - x)


def cycles_of(r: float, period: int):
    return find_cycles(logistic(r), GRID, period=period, radius=1e-6, lower=0.0, upper=1.0)


def test_the_one_cycle_of_two_states_of_the_logistic_map():
    r = 3.2
    found = cycles_of(r, 2)
    assert found.states.shape == (1, 2, 1)
    root = math.sqrt((r - 3) * (r + 1))
    expected = torch.tensor(
        [(r + 1 - root) / (2 * r), (r + 1 + root) / (2 * r)], dtype=torch.float64
    )
    torch.testing.assert_close(found.states.flatten().sort().values, expected, rtol=0, atol=1e-9)
    # (d/dx of both steps) = 4 + 2r - r^2
    torch.testing.assert_close(
        found.multipliers.real, torch.full((1, 1), 4 + 2 * r - r**2).double(), rtol=0, atol=1e-8
    )


def test_a_cycle_of_two_is_none_of_four_or_three():
    assert cycles_of(3.2, 4).states.shape == (0, 4, 1)
    assert cycles_of(3.2, 3).states.shape == (0, 3, 1)


def test_both_cycles_of_three_and_whether_they_hold():
    found = cycles_of(3.84, 3)
    assert found.states.shape == (2, 3, 1)
    size = found.multipliers.abs().flatten().sort().values
    assert size[0] < 1 < size[1], "they are born together, one stable and one not"
    step = logistic(3.84)
    torch.testing.assert_close(step(found.states), found.states.roll(-1, 1), rtol=0, atol=1e-9)


def test_a_rotation_by_a_third_has_cycles_of_three_everywhere_but_at_its_centre():
    angle = 2 * math.pi / 3
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    start = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]).double()
    found = find_cycles(lambda h: h @ turn.T, start, period=3, radius=1e-6)
    torch.testing.assert_close(
        found.states[:, 0].norm(dim=-1), torch.tensor([1.0, 2.0]).double(), rtol=0, atol=1e-9
    )


def test_a_period_of_one_and_several_networks_are_refused():
    with pytest.raises(ValueError, match="period is 1"):
        cycles_of(3.2, 1)
    with pytest.raises(ValueError, match="one network"):
        find_cycles(logistic(3.2), GRID[None], period=2, radius=1e-6)


def switch(h: Tensor) -> Tensor:
    return torch.tanh(2 * h)


def test_every_state_ends_on_its_own_side_of_the_saddle():
    start = torch.linspace(-1, 1, 41, dtype=torch.float64)[:, None]
    start[20] = 0.0
    points = find_points(switch, start)
    which = basins(switch, start, points.states, radius=1e-3)
    ends = points.states[which, 0]
    torch.testing.assert_close(ends.sign() * (ends.abs() > 0.5), start[:, 0].sign(), rtol=0, atol=0)


def test_a_trajectory_that_lingers_at_a_saddle_is_not_counted_there():
    start, saddle = torch.tensor([[1e-9]]).double(), torch.zeros(1, 1).double()
    high = torch.tensor([[0.95750402]]).double()
    assert basins(switch, start, torch.cat([saddle, high]), radius=1e-3).tolist() == [1]


def test_states_that_leave_all_bounds_end_nowhere():
    points = torch.zeros(1, 1).double()
    start = torch.tensor([[0.0], [0.5], [-3.0]]).double()
    assert basins(lambda h: 2 * h, start, points, radius=0.1).tolist() == [0, -1, -1]


def test_basins_of_other_widths_are_refused():
    with pytest.raises(ValueError, match=r"\[3, 2\] and \[1, 1\]"):
        basins(switch, torch.zeros(3, 2), torch.zeros(1, 1), radius=0.1)
