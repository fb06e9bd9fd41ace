"""Maps of states; derivatives are float64 sums of a few terms of order one, so 1e-12 is ample."""

import pytest
import torch
from torch.func import jacrev, vmap

from helpers.networks import network, normal, parameters
from slowpoints import cells, engine

EVERY_CELL = pytest.mark.parametrize("name", cells.names())
DEPTHS = pytest.mark.parametrize("depth", [1, 2])


def points(net, *, n_points=4):
    return normal(2, n_points, net.depth * len(net.cell.states) * net.units, seed=3)


@EVERY_CELL
@DEPTHS
def test_unpack_undoes_pack(name, depth):
    net = network(name, depth=depth)
    packed = points(net)
    states = engine.unpack(net, packed)
    assert [len(layer) for layer in states] == [len(net.cell.states)] * depth
    assert torch.equal(engine.pack(states), packed)


@EVERY_CELL
@DEPTHS
def test_the_state_map_is_the_step_under_constant_input(name, depth):
    net = network(name, depth=depth)
    P, x, packed = parameters(net, n_runs=2), normal(2, 2), points(net)
    spread = x[:, None].expand(2, 4, 2)
    _, states = engine.step(net, engine.prepare(net, P), spread, engine.unpack(net, packed))
    ours = engine.state_map(net, P, x)(packed)
    torch.testing.assert_close(ours, engine.pack(states), rtol=0, atol=1e-14)


@EVERY_CELL
@DEPTHS
def test_the_jacobian_is_that_of_autograd(name, depth):
    net = network(name, depth=depth)
    P, x, packed = parameters(net, n_runs=2), normal(2, 2), points(net)
    ours = engine.state_jacobian(net, P, x)(packed)
    for run in range(2):
        own = {key: value[run : run + 1].detach() for key, value in P.items()}
        F = engine.state_map(net, own, x[run : run + 1])
        expected = vmap(jacrev(lambda row, F=F: F(row[None, None])[0, 0]))(packed[run])
        torch.testing.assert_close(ours[run], expected, rtol=0, atol=1e-12)


@EVERY_CELL
def test_the_jacobian_needs_no_gradient_mode_and_gives_none(name):
    net = network(name)
    P, x, packed = parameters(net, n_runs=2), normal(2, 2), points(net)
    with torch.no_grad():
        quiet = engine.state_jacobian(net, P, x)(packed)
    assert torch.equal(quiet, engine.state_jacobian(net, P, x)(packed))
    assert not engine.state_jacobian(net, P, x)(packed).requires_grad


@EVERY_CELL
@DEPTHS
def test_no_points_give_no_rows(name, depth):
    net = network(name, depth=depth)
    P, x, none = parameters(net, n_runs=2), normal(2, 2), points(net, n_points=0)
    assert engine.state_map(net, P, x)(none).shape == none.shape
    assert engine.state_jacobian(net, P, x)(none).shape == (*none.shape, none.shape[-1])


def test_speed_is_measured_on_the_squashed_memory_of_the_lstm():
    net = network("lstm", depth=2)
    (h1, c1), (h2, c2) = engine.unpack(net, points(net))
    expected = torch.cat([h1, c1.tanh(), h2, c2.tanh()], -1)
    assert torch.equal(engine.measure(net)(points(net)), expected)


@pytest.mark.parametrize("name", sorted(set(cells.names()) - {"lstm"}))
def test_the_measure_keeps_the_size_of_the_state(name):
    net = network(name, depth=2)
    assert engine.measure(net)(points(net)).shape == points(net).shape


def test_a_linear_flip_flop_is_a_fixed_point_everywhere():
    net = network("irnn", learned_state=False)
    params = {key: torch.zeros_like(value) for key, value in parameters(net, n_runs=2).items()}
    params["0.R.state"] = torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
    inside = points(net).abs()
    assert torch.equal(
        engine.state_map(net, params, torch.zeros(2, 2, dtype=torch.float64))(inside), inside
    )


@EVERY_CELL
def test_the_curvature_is_that_of_autograd(name):
    net = network(name)
    P, x, packed = parameters(net, n_runs=2), normal(2, 2), points(net)
    w = normal(*packed.shape, seed=11)
    ours = engine.state_curvature(net, P, x)(packed, w)
    g = engine.measure(net)
    for run in range(2):
        own = {key: value[run : run + 1].detach() for key, value in P.items()}
        F = engine.state_map(net, own, x[run : run + 1])
        for n in range(packed.shape[1]):
            expected = jacrev(
                jacrev(
                    lambda row, F=F, n=n, run=run: (w[run, n] * g(F(row[None, None]))[0, 0]).sum()
                )
            )
            torch.testing.assert_close(ours[run, n], expected(packed[run, n]), rtol=0, atol=1e-12)


def test_the_curvature_of_deeper_networks_is_left_to_autograd():
    net = network("gru", depth=2)
    assert engine.state_curvature(net, parameters(net, n_runs=2), normal(2, 2)) is None
