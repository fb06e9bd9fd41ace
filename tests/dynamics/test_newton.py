"""Newton's method by products and chords: the same points as the descent, and only fixed ones."""

import pytest
import torch
from torch import Tensor, nn

from helpers.networks import network, normal, parameters
from slowpoints.dynamics import (
    FIXED,
    collect_states,
    find_points,
    find_slow_points,
    jacobian,
    merge_duplicates,
    module_map,
)
from slowpoints.dynamics.equation import Equation
from slowpoints.dynamics.krylov import gmres
from slowpoints.dynamics.maps import identity, pushed
from slowpoints.dynamics.newton import fixed_points
from slowpoints.dynamics.region import reachable
from slowpoints.engine import measure, state_map

N, S = 6, 8
EXACT = 1e-12


def systems(*, spread: float = 0.4) -> tuple[Tensor, Tensor]:
    A = torch.eye(S, dtype=torch.float64) + spread * normal(N, S, S, seed=1) / S**0.5
    return A, normal(N, S, seed=2)


def test_systems_are_solved():
    A, b = systems()
    x = gmres(lambda v: (A @ v[..., None])[..., 0], b, tolerance=torch.full((N,), EXACT), most=S)
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=0, atol=1e-10)


@pytest.mark.parametrize("tolerance", [0.3, 1e-3])
def test_as_far_as_asked(tolerance: float):
    A, b = systems(spread=1.0)
    x = gmres(
        lambda v: (A @ v[..., None])[..., 0], b, tolerance=torch.full((N,), tolerance), most=S
    )
    left = ((A @ x[..., None])[..., 0] - b).norm(dim=-1) / b.norm(dim=-1)
    assert (left <= tolerance).all()


def test_nothing_to_solve_and_nothing_to_solve_with():
    _, b = systems()
    assert torch.equal(gmres(lambda v: v, 0 * b, tolerance=torch.ones(N), most=3), 0 * b)
    still = gmres(lambda v: 0 * v, b, tolerance=torch.full((N,), 0.1), most=3)
    assert still.isfinite().all()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_products_are_those_of_the_jacobian(kind: type[nn.RNNBase], layers: int):
    torch.manual_seed(0)
    F = module_map(kind(3, 4, num_layers=layers), torch.randn(3))
    width = 4 * layers * (2 if kind is nn.LSTM else 1)
    h, v = normal(N, width, seed=3), normal(N, width, seed=4)
    expected = (jacobian(F, h) @ v[..., None])[..., 0]
    torch.testing.assert_close(F.push(h)(v), expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(pushed(F, h)(v), expected, rtol=1e-9, atol=1e-12)


def equation(F, *, size: int, edge: float = 1.0, g=identity) -> Equation:
    high = torch.full((size,), edge, dtype=torch.float64)
    return Equation(F, g, -high, high, 1e-10)


@pytest.mark.parametrize("cell", ["gru", "lstm", "intersection_rnn"])
def test_the_cells_of_the_project_are_led_to_their_points(cell: str):
    net = network(cell, units=5)
    params = {name: value / 2 for name, value in parameters(net, n_runs=1).items()}
    F = state_map(net, params, normal(1, 2, seed=1))
    size = 5 * len(net.cell.states)
    own = equation(lambda h: F(h[None])[0], size=size, edge=4.0, g=measure(net))
    h, speed = fixed_points(own, normal(40, size, seed=5))
    assert (speed <= 1e-10).any()
    is_fixed = speed <= 1e-10
    moved = (own.measure(own.F(h)) - own.measure(h)).norm(dim=-1)
    assert (moved[is_fixed] <= 1e-10).all()


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-6])
def test_a_ghost_is_never_called_fixed(gap: float):
    start = torch.linspace(-0.8, 0.5, 30, dtype=torch.float64)[:, None]
    _, speed = fixed_points(equation(lambda h: h + h**2 + gap, size=1), start)
    assert (speed > 1e-10).all()
    points = find_points(lambda h: h + h**2 + gap, start)
    assert len(points.fixed) == 0
    torch.testing.assert_close(points.speed.min(), torch.tensor(gap).double(), rtol=1e-3, atol=0)


def test_states_stay_in_the_box_and_points_beyond_it_are_not_found():
    h, speed = fixed_points(
        equation(lambda h: 0.5 * h + 2, size=3), normal(20, 3, seed=1).clamp(-1, 1)
    )
    assert (h.abs() <= 1).all()
    assert (speed > 1).all()


def test_a_map_that_is_not_finite_somewhere_is_left_there():
    def broken(h: Tensor) -> Tensor:
        return torch.where(h > 0.5, torch.nan, 0.5 * h)

    start = torch.tensor([[0.9], [0.4], [-0.3]], dtype=torch.float64)
    h, speed = fixed_points(equation(broken, size=1), start)
    assert speed.tolist()[0] == torch.inf
    assert (speed[1:] <= 1e-10).all()
    assert h[0, 0] == 0.9


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_every_fixed_point_of_the_descent_is_found(kind: type[nn.RNNBase], seed: int):
    """Random networks with large weights, which have several points."""
    torch.manual_seed(seed)
    module = kind(2, 6, batch_first=True)
    for weight in module.parameters():
        weight.data *= 4
    states = collect_states(module, torch.randn(20, 15, 2))
    points = find_points(module, states)
    F, rows = module_map(module, torch.zeros(2)), states.flatten(0, 1).double()
    low, high = reachable(rows)
    found = find_slow_points(F, rows, lower=low, upper=high, measure=F.measure)
    fixed = found.point[found.kind == FIXED]
    fixed = fixed[merge_duplicates(fixed, radius=1e-3).unique()]
    apart = torch.cdist(fixed, points.fixed.states).amin(-1)
    assert (apart < 1e-3).all()
