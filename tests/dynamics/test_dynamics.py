import math
from collections.abc import Callable

import pytest
import torch
from scipy.optimize import root
from torch import Tensor

from slowpoints.dynamics import (
    FIXED,
    OPEN,
    SLOW,
    find_slow_points,
    jacobian,
    merge_duplicates,
    modes,
    participation,
    residual,
    spectrum,
    speed,
    time_constant,
)
from slowpoints.dynamics.maps import curvature, residual_curvature, residual_jacobian


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tanh_network(
    n_runs: int, size: int, *, gain: float, seed: int = 0
) -> Callable[[Tensor], Tensor]:
    W = gain * torch.randn(n_runs, size, size, generator=rng(seed)) / math.sqrt(size)
    b = 0.1 * torch.randn(n_runs, 1, size, generator=rng(seed + 1))
    return lambda h: torch.tanh(h @ W + b)


def gated_network(n_runs: int, size: int, *, seed: int = 0) -> Callable[[Tensor], Tensor]:
    W, U = 2 * torch.randn(2, n_runs, size, size, generator=rng(seed)) / math.sqrt(size)

    def F(h: Tensor) -> Tensor:
        z = torch.sigmoid(h @ U)
        return (1 - z) * h + z * torch.tanh(h @ W + 0.3)

    return F


def test_a_linear_map_has_its_one_fixed_point_and_its_own_spectrum():
    A = torch.tensor([[0.9, 0.2], [-0.2, 0.9]])
    b = torch.tensor([1.0, -2.0])
    F = lambda h: h @ A.T + b  # noqa: E731
    found = find_slow_points(F, torch.randn(5, 2, generator=rng()))
    expected = torch.linalg.solve(torch.eye(2) - A, b)
    assert (found.kind == FIXED).all()
    torch.testing.assert_close(found.point, expected.expand(5, 2), rtol=0, atol=1e-9)
    J = jacobian(F, found.point)
    torch.testing.assert_close(J, A.expand(5, 2, 2))
    torch.testing.assert_close(spectrum(J)[0].abs(), torch.full((2,), math.sqrt(0.85)))
    torch.testing.assert_close(time_constant(spectrum(J)), torch.full((5,), -2 / math.log(0.85)))


def test_a_spectrum_is_sorted_and_time_constants_have_the_sign_of_stability():
    J = torch.diag_embed(torch.tensor([[0.1, -0.5], [2.0, 0.3], [0.0, 1.0]]))
    values = spectrum(J)
    torch.testing.assert_close(values.real, torch.tensor([[-0.5, 0.1], [2.0, 0.3], [1.0, 0.0]]))
    expected = torch.tensor([1 / math.log(2), -1 / math.log(2), math.inf])
    torch.testing.assert_close(time_constant(values).abs(), expected.abs())
    assert time_constant(values)[0] > 0 > time_constant(values)[1]


def test_modes_are_the_eigenvectors_of_the_sorted_spectrum():
    J = torch.randn(4, 6, 6, generator=rng())
    values, vectors = modes(J)
    torch.testing.assert_close(values.abs(), spectrum(J).abs())
    torch.testing.assert_close(J.to(vectors.dtype) @ vectors, vectors * values.unsqueeze(-2))


def test_participation_counts_the_dimensions_of_a_mode():
    v = torch.tensor([[0.0, 0, 5, 0], [1, -1, 1, -1], [2, 2, 0, 0]])
    torch.testing.assert_close(participation(v), torch.tensor([0.25, 1.0, 0.5]))
    torch.testing.assert_close(participation((3 - 4j) * v), participation(v))
    # a conjugate pair in two of three dimensions
    turning = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 0.5]])
    torch.testing.assert_close(participation(modes(turning)[1][:, 0]), torch.tensor(2 / 3))


def test_a_pitchfork_has_three_fixed_points_above_its_threshold():
    F = lambda h: torch.tanh(2 * h)  # noqa: E731
    found = find_slow_points(F, torch.tensor([[-0.8], [0.01], [0.9]]))
    assert (found.kind == FIXED).all()
    upper = 0.9575040240772688  # solves h = tanh(2h)
    torch.testing.assert_close(
        found.point[:, 0], torch.tensor([-upper, 0.0, upper]), rtol=0, atol=1e-9
    )
    slopes = jacobian(F, found.point).flatten()
    torch.testing.assert_close(slopes, torch.tensor([2 * (1 - upper**2), 2.0, 2 * (1 - upper**2)]))


def test_a_pitchfork_has_one_fixed_point_below_its_threshold():
    found = find_slow_points(lambda h: torch.tanh(0.9 * h), torch.linspace(-1, 1, 9)[:, None])
    assert (found.kind == FIXED).all()
    torch.testing.assert_close(found.point, torch.zeros(9, 1), rtol=0, atol=1e-8)


def test_a_flip_flop_of_three_bits_has_27_fixed_points():
    F = lambda h: torch.tanh(3 * h)  # noqa: E731
    grid = torch.linspace(-0.95, 0.95, 7)
    found = find_slow_points(F, torch.cartesian_prod(grid, grid, grid), lower=-1.0, upper=1.0)
    fixed = found.point[found.kind == FIXED]
    assert len(merge_duplicates(fixed, radius=1e-6).unique()) == 27
    stable = spectrum(jacobian(F, fixed))[:, 0].abs() < 1
    assert len(merge_duplicates(fixed[stable], radius=1e-6).unique()) == 8


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-6])
def test_the_ghost_of_a_saddle_node_is_slow_with_the_speed_of_its_gap(gap):
    found = find_slow_points(
        lambda h: h + h**2 + gap, torch.tensor([[-1.0], [-0.01], [0.3], [2.0]])
    )
    assert (found.kind == SLOW).all()
    torch.testing.assert_close(found.speed, torch.full((4,), gap), rtol=1e-7, atol=0)
    torch.testing.assert_close(found.q, 0.5 * found.speed**2)
    assert (found.point.abs() < 1e-4).all()


def test_a_saddle_node_with_its_two_points_has_no_slow_one():
    found = find_slow_points(
        lambda h: h + h**2 - 0.04, torch.tensor([[-1.0], [-0.1], [0.1], [1.0]])
    )
    assert (found.kind == FIXED).all()
    expected = torch.tensor([[-0.2], [-0.2], [0.2], [0.2]])
    torch.testing.assert_close(found.point, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_small_networks_show_all_fixed_points_that_root_solves_find_and_no_others(seed):
    F = tanh_network(1, 2, gain=3.0, seed=10 * seed)
    starts = torch.cartesian_prod(*(torch.linspace(-1, 1, 15),) * 2)
    f = lambda h: residual(F, torch.from_numpy(h)[None, None])[0, 0].numpy()  # noqa: E731
    solved = [root(f, start) for start in starts.numpy()]
    roots = torch.stack([torch.from_numpy(s.x) for s in solved if s.success])
    roots = roots[speed(F, roots[None])[0] < 1e-9]
    found = find_slow_points(F, starts[None], lower=-1.0, upper=1.0)
    assert not (found.kind == OPEN).any()
    fixed = found.point[found.kind == FIXED]
    distance = torch.cdist(roots, fixed)
    assert distance.min(1).values.max() < 1e-6  # none missed
    assert distance.min(0).values.max() < 1e-6  # none invented


def test_slow_points_are_minima_of_the_speed_for_every_small_displacement():
    F = gated_network(3, 4)
    found = find_slow_points(
        F, 2 * torch.rand(3, 30, 4, generator=rng(5)) - 1, lower=-1.0, upper=1.0
    )
    assert (found.kind == SLOW).any()
    # the whole Hessian converges fast; J'J alone only crawls here
    assert found.n_iterations.max() < 20
    for direction in torch.randn(20, 4, generator=rng(6)):
        moved = (found.point + 1e-3 * direction).clamp(-1, 1)
        assert (speed(F, moved) >= found.speed - 1e-9)[found.kind == SLOW].all()


def test_the_box_keeps_the_search_from_fixed_points_at_infinity():
    def F(h: Tensor) -> Tensor:  # the gate closes far out; inside, nothing stands still
        return h + torch.sigmoid(2 - h) * (2.0 - torch.tanh(h))

    start = torch.linspace(-1, 1, 5)[:, None]
    free = find_slow_points(F, start)
    assert (free.point > 10).all()
    assert (free.speed < 1e-3).all()
    boxed = find_slow_points(F, start, lower=-1.0, upper=1.0)
    torch.testing.assert_close(boxed.point, torch.ones(5, 1))
    assert (boxed.kind == SLOW).all()
    assert (boxed.speed > 0.5).all()
    assert (boxed.gradient == 0).all()


def test_every_point_has_a_box_of_its_own_while_others_finish():
    centre = torch.tensor([[[-2.0], [0.0], [2.0]], [[1.0], [-1.0], [3.0]]])
    found = find_slow_points(
        lambda h: h + h**2 + 0.1, centre, lower=centre - 0.5, upper=centre + 0.5
    )
    expected = torch.tensor([[-1.5, 0.0, 1.5], [0.5, -0.5, 2.5]])
    torch.testing.assert_close(found.point[..., 0], expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.speed, expected**2 + 0.1, rtol=1e-9, atol=0)


def test_a_long_curved_valley_is_followed_to_its_end():
    def F(h: Tensor) -> Tensor:  # slow along the circle of radius 1; slowest at angle 0
        x, y = h.unbind(-1)
        along = 1e-3 * (2 - x)
        return h + torch.stack([x**2 + y**2 - 1, along], -1)

    found = find_slow_points(F, torch.tensor([[-0.9, 0.5], [0.0, -1.2]]), lower=-1.5, upper=1.5)
    assert (found.kind == SLOW).all()
    assert (found.n_iterations < 100).all()
    torch.testing.assert_close(
        found.point, torch.tensor([[1.0, 0.0]]).expand(2, 2), rtol=0, atol=1e-2
    )


def test_starts_outside_the_box_are_moved_into_it_and_the_start_is_left_alone():
    start = torch.tensor([[5.0, -7.0]])
    found = find_slow_points(
        lambda h: 0.5 * h + 3, start, lower=-1.0, upper=torch.tensor([1.0, 2.0])
    )
    torch.testing.assert_close(found.point, torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(start, torch.tensor([[5.0, -7.0]]))


def test_more_steps_change_no_speed_of_a_point_that_has_converged():
    F, start = gated_network(4, 8), 2 * torch.rand(4, 20, 8, generator=rng(3)) - 1
    short, long = (
        find_slow_points(F, start, lower=-1.0, upper=1.0, max_iterations=n) for n in (10, 20)
    )
    done = short.kind != OPEN
    assert done.any()
    assert not done.all()
    torch.testing.assert_close(short.speed[done], long.speed[done], rtol=1e-9, atol=1e-12)
    assert (short.kind[done] == long.kind[done]).all()
    assert short.n_iterations.max() == 10
    assert long.n_iterations.max() <= 20


def test_a_point_left_open_says_so():
    found = find_slow_points(lambda h: h + h**2 + 1e-3, torch.tensor([[2.0]]), max_iterations=2)
    assert found.kind.item() == OPEN
    assert found.n_iterations.item() == 2
    torch.testing.assert_close(found.speed, speed(lambda h: h + h**2 + 1e-3, found.point))


def test_searching_many_networks_at_once_equals_one_at_a_time():
    n_runs = 5
    W = 2 * torch.randn(n_runs, 6, 6, generator=rng(1)) / math.sqrt(6)
    start = 2 * torch.rand(n_runs, 7, 6, generator=rng(2)) - 1
    together = find_slow_points(lambda h: torch.tanh(h @ W), start, lower=-1.0, upper=1.0)
    for m in range(n_runs):
        F = lambda h, m=m: torch.tanh(h @ W[m])  # noqa: E731
        alone = find_slow_points(F, start[m], lower=-1.0, upper=1.0)
        torch.testing.assert_close(alone.speed, together.speed[m], rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(alone.point, together.point[m], rtol=0, atol=1e-6)
        assert (alone.kind == together.kind[m]).all()


def test_starts_searched_in_parts_end_where_they_end_together(monkeypatch):
    F, start = gated_network(2, 5), 2 * torch.rand(2, 9, 5, generator=rng(7)) - 1
    together = find_slow_points(F, start, lower=-1.0, upper=1.0)
    # four starts of both networks
    monkeypatch.setattr("slowpoints.dynamics.search.NUMBERS", 2 * 5 * 5 * 4)
    parts = find_slow_points(F, start, lower=-1.0, upper=1.0)
    torch.testing.assert_close(parts.speed, together.speed, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(parts.point, together.point, rtol=0, atol=1e-6)
    assert (parts.kind == together.kind).all()


def test_the_given_jacobian_is_used_and_finds_the_same_points():
    W = torch.randn(1, 4, 4, generator=rng(8))
    F = lambda h: torch.tanh(h @ W)  # noqa: E731
    exact = lambda h: (1 - F(h) ** 2).unsqueeze(-1) * W.mT[:, None]  # noqa: E731
    start = 2 * torch.rand(1, 6, 4, generator=rng(9)) - 1
    torch.testing.assert_close(exact(start), jacobian(F, start))
    given, default = find_slow_points(F, start, jacobian=exact), find_slow_points(F, start)
    torch.testing.assert_close(given.speed, default.speed, rtol=1e-9, atol=1e-10)


def test_a_measure_changes_what_counts_as_moving():
    F = lambda h: h + 1 / (1 + h**2)  # noqa: E731
    assert find_slow_points(F, torch.tensor([[1.0]]), upper=3.0).speed.item() == pytest.approx(0.1)
    squashed = find_slow_points(F, torch.tensor([[1.0]]), upper=3.0, measure=torch.tanh)
    assert squashed.speed.item() == pytest.approx(math.tanh(3.1) - math.tanh(3.0))


def test_a_linear_map_has_no_curvature():
    A, h, w = (
        torch.randn(3, 3, generator=rng(1)),
        torch.rand(4, 3, generator=rng(2)),
        torch.rand(4, 3, generator=rng(3)),
    )
    assert torch.equal(curvature(lambda s: s @ A, h, w, measure=lambda s: s), torch.zeros(4, 3, 3))


def test_the_derivatives_of_the_squared_displacement_agree_with_finite_differences():
    F, h = gated_network(2, 3), torch.rand(2, 4, 3, generator=rng(4))
    J = residual_jacobian(F, h, measure=torch.tanh, jacobian=lambda s: jacobian(F, s))
    r = residual(F, h, measure=torch.tanh)
    of_map = lambda s, w: curvature(F, s, w, measure=torch.tanh)  # noqa: E731
    hessian = J.mT @ J + residual_curvature(h, r, measure=torch.tanh, curvature=of_map)
    q = lambda h: 0.5 * speed(F, h, measure=torch.tanh) ** 2  # noqa: E731
    step = 1e-4
    for i in range(3):
        for j in range(3):
            e, f = step * torch.eye(3)[i], step * torch.eye(3)[j]
            corners = [a * b * q(h + a * e + b * f) for a in (1, -1) for b in (1, -1)]
            torch.testing.assert_close(
                hessian[..., i, j], sum(corners) / (4 * step**2), rtol=0, atol=1e-6
            )


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 0, 3), (0, 4, 3), (1, 3), (0, 3), (1, 1, 1)])
def test_the_smallest_searches_keep_their_shape(shape):
    found = find_slow_points(lambda h: torch.tanh(0.5 * h), torch.full(shape, 0.3))
    assert found.point.shape == shape
    assert all(field.shape == shape[:-1] for field in found[1:])
    assert (found.kind == FIXED).all()
    assert spectrum(jacobian(torch.tanh, found.point)).shape == shape


def test_a_start_that_is_not_finite_stays_open():
    found = find_slow_points(
        lambda h: 0.5 * h, torch.tensor([[math.nan], [1.0]]), max_iterations=20
    )
    assert found.kind.tolist() == [OPEN, FIXED]
