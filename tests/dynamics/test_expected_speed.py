"""The least expected speed under noise.

Closed forms, equality with the plain search, exact derivatives.
"""

import math

import pytest
import torch
from torch import Tensor

from slowpoints.dynamics import FIXED, SLOW, Expected, find_slow_points, speed
from slowpoints.dynamics.maps import (
    curvature,
    jacobian,
    residual,
    residual_curvature,
    residual_jacobian,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def noisy(n_draws: int, *, size: int = 3, spread: float = 0.3, seed: int = 0) -> Expected:
    """Return small networks of tanh units, alike but for what noise adds to each unit."""
    W = 2.5 * normal(size, size, seed=seed) / math.sqrt(size)
    draws = spread * normal(n_draws, size, seed=seed + 1)
    return Expected([lambda h, n=n: torch.tanh(h @ W + n) for n in draws])


@pytest.mark.parametrize("n_draws", [1, 2, 50])
def test_of_a_linear_map_under_additive_noise_point_and_speed_have_closed_forms(n_draws):
    A, b = 0.5 * normal(4, 4), normal(4, seed=1)
    draws = normal(n_draws, 4, seed=2)
    F = Expected([lambda h, n=n: h @ A.T + b + n for n in draws])
    found = find_slow_points(F, normal(2, 6, 4, seed=3), slow_gradient=1e-12)
    point = torch.linalg.solve(torch.eye(4) - A, b + draws.mean(0))
    torch.testing.assert_close(found.point, point.expand(2, 6, 4), rtol=0, atol=1e-8)
    expected = (draws - draws.mean(0)).square().sum(-1).mean().sqrt()
    torch.testing.assert_close(found.speed, expected.expand(2, 6), rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(speed(F, found.point), found.speed)
    assert (found.kind == (FIXED if n_draws == 1 else SLOW)).all()


@pytest.mark.parametrize("n_draws", [1, 5])
def test_equal_draws_are_the_plain_search(n_draws):
    (F,) = noisy(1, size=4).maps
    start = (
        2 * torch.rand(20, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64) - 1
    )
    plain = find_slow_points(F, start, lower=-1.0, upper=1.0)
    together = find_slow_points(Expected([F] * n_draws), start, lower=-1.0, upper=1.0)
    torch.testing.assert_close(together.speed, plain.speed, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(together.point, plain.point, rtol=0, atol=1e-6)
    assert torch.equal(together.kind, plain.kind)


def test_no_small_displacement_is_slower_on_average():
    F, start = noisy(8), normal(30, 3, seed=5).clamp(-1, 1)
    found = find_slow_points(F, start, lower=-1.0, upper=1.0)
    assert (found.kind == SLOW).all(), "noise moves every state"
    mean_square = torch.stack([speed(draw, found.point) ** 2 for draw in F.maps]).mean(0)
    torch.testing.assert_close(found.speed**2, mean_square)
    for direction in normal(20, 3, seed=6):
        moved = (found.point + 1e-3 * direction).clamp(-1, 1)
        assert (speed(F, moved) >= found.speed - 1e-9).all()


def test_the_derivatives_of_the_expected_speed_agree_with_finite_differences():
    F, h, step = noisy(4), normal(2, 5, 3, seed=7), 1e-4
    J = residual_jacobian(F, h, measure=torch.tanh, jacobian=lambda s: jacobian(F, s))
    r = residual(F, h, measure=torch.tanh)
    assert (r.shape, J.shape) == ((2, 5, 12), (2, 5, 12, 3))
    of_map = lambda s, w: curvature(F, s, w, measure=torch.tanh)  # noqa: E731
    hessian = J.mT @ J + residual_curvature(h, r, measure=torch.tanh, curvature=of_map)
    q = lambda h: 0.5 * speed(F, h, measure=torch.tanh) ** 2  # noqa: E731
    axes = step * torch.eye(3, dtype=h.dtype)
    for i, e in enumerate(axes):
        slope = (q(h + e) - q(h - e)) / (2 * step)
        torch.testing.assert_close(
            (J.mT @ r.unsqueeze(-1)).squeeze(-1)[..., i], slope, rtol=0, atol=1e-7
        )
        for j, f in enumerate(axes):
            corners = [a * b * q(h + a * e + b * f) for a in (1, -1) for b in (1, -1)]
            torch.testing.assert_close(
                hessian[..., i, j], sum(corners) / (4 * step**2), rtol=0, atol=1e-6
            )


def test_derivatives_that_are_given_take_the_place_of_derived_ones():
    plain = noisy(3)
    given = Expected(
        plain.maps,
        [lambda h, F=F: 2 * jacobian(F, h) for F in plain.maps],
        [lambda h, w, F=F: 3 * curvature(F, h, w, measure=torch.tanh) for F in plain.maps],
    )
    h, w = normal(4, 3, seed=8), normal(3, 4, 3, seed=9)
    torch.testing.assert_close(given.jacobian(h), 2 * plain.jacobian(h))
    torch.testing.assert_close(
        given.curvature(h, w, measure=torch.sin), 3 * plain.curvature(h, w, measure=torch.tanh)
    )
