"""The optimiser of a stack against torch's own, one network at a time."""

import pytest
import torch

from slowpoints.optimise import Moments, adam, flatten, rate, views


def fresh_moments(flat: torch.Tensor) -> Moments:
    return Moments(torch.zeros_like(flat), torch.zeros_like(flat), torch.ones(len(flat), dtype=torch.bool))


def test_a_stack_steps_as_torch_adam_with_clipping_does() -> None:
    rng = torch.Generator().manual_seed(0)
    flat = torch.randn(3, 5, generator=rng, dtype=torch.float64)
    grads = torch.randn(7, 3, 5, generator=rng, dtype=torch.float64) * 3
    lr, clip = torch.tensor([0.1, 0.01, 0.1]).double(), torch.tensor([1.0, 100.0, 0.0]).double()
    ours, moments = flat.clone(), fresh_moments(flat)
    for step, grad in enumerate(grads):
        assert adam(ours, grad, moments, step=step, lr=lr, clip=clip).all()
    for i in range(3):
        theirs = torch.nn.Parameter(flat[i].clone())
        optimiser = torch.optim.Adam([theirs], lr=float(lr[i]))
        for grad in grads:
            theirs.grad = grad[i].clone()
            if clip[i] > 0:
                torch.nn.utils.clip_grad_norm_([theirs], float(clip[i]))
            optimiser.step()
        torch.testing.assert_close(ours[i], theirs.detach(), rtol=1e-5, atol=0)


def test_a_gradient_that_is_not_finite_leaves_its_run_and_the_neighbours_alone() -> None:
    flat = torch.ones(3, 4)
    grad = torch.ones(3, 4)
    grad[1, 2] = torch.nan
    with_nan, without = flat.clone(), flat.clone()
    settings = {"step": 0, "lr": torch.full((3,), 0.1), "clip": torch.ones(3)}
    takes = adam(with_nan, grad, fresh_moments(flat), **settings)
    adam(without, torch.ones(3, 4), fresh_moments(flat), **settings)
    assert takes.tolist() == [True, False, True]
    assert torch.equal(with_nan[1], flat[1])
    assert torch.equal(with_nan[[0, 2]], without[[0, 2]])


def test_a_run_that_is_done_no_longer_moves() -> None:
    flat = torch.ones(2, 4)
    moments = fresh_moments(flat)
    moments.active[0] = False
    adam(flat, torch.ones(2, 4), moments, step=0, lr=torch.full((2,), 0.1), clip=torch.zeros(2))
    assert torch.equal(flat[0], torch.ones(4))
    torch.testing.assert_close(flat[1], torch.full((4,), 0.9))


def test_views_share_memory_with_the_flat_parameters() -> None:
    params = {"a": torch.arange(8.0).reshape(2, 2, 2), "b": torch.arange(2.0).reshape(2, 1)}
    flat = flatten(params)
    leaves = views(flat, {"a": (2, 2), "b": (1,)})
    assert all(torch.equal(leaves[name], params[name]) for name in params)
    flat.zero_()
    assert all(not leaf.detach().any() for leaf in leaves.values())
    assert all(leaf.is_leaf and leaf.requires_grad for leaf in leaves.values())


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 69, 0.5),
        ("exponential", 0, 0.5),
        ("exponential", 35, 0.05),
        ("drop", 59, 0.5),
        ("drop", 60, 0.005),
    ],
)
def test_the_rate_follows_its_schedule(schedule: str, step: int, expected: float) -> None:
    assert rate(schedule, lr=0.5, lr_final=0.01, step=step, steps=70) == pytest.approx(expected)
