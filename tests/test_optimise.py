"""The optimiser of a stack against torch's own, one network at a time."""

from typing import Any

import pytest
import torch

from slowpoints.optimise import Moments, Pace, Rules, flatten, pace, rate, rules, update, views

DEFAULTS = {"optimizer": "adam", "momentum": 0.9, "decay": 0.0, "clip": 0.0,
            "schedule": "constant", "lr": 0.1, "lr_final": 1.0, "steps": 100}  # fmt: skip


def fresh_moments(flat: torch.Tensor) -> Moments:
    return Moments(torch.zeros_like(flat), torch.zeros_like(flat))


def stacked_rules(*runs: dict[str, Any]) -> Rules:
    return rules([DEFAULTS | run for run in runs], torch.device("cpu"))


def stacked_pace(*runs: dict[str, Any], step: int) -> Pace:
    return pace([DEFAULTS | run for run in runs], [step] * len(runs), torch.device("cpu"))


THEIRS = {
    "sgd": lambda p, lr, momentum: torch.optim.SGD(p, lr=lr),
    "momentum": lambda p, lr, momentum: torch.optim.SGD(p, lr=lr, momentum=momentum),
    "rmsprop": lambda p, lr, momentum: torch.optim.RMSprop(p, lr=lr, alpha=momentum),
    "adam": lambda p, lr, momentum: torch.optim.Adam(p, lr=lr, betas=(momentum, 0.999)),
}


def test_every_run_of_a_mixed_stack_steps_as_torch_does() -> None:
    runs = [
        {"optimizer": kind, "momentum": momentum, "decay": decay, "clip": clip, "lr": lr}
        for kind in THEIRS
        for momentum, decay, clip, lr in ((0.9, 0.0, 1.0, 0.1), (0.5, 0.01, 100.0, 0.01), (0.99, 0.1, 0.0, 0.1))
    ]
    rng = torch.Generator().manual_seed(0)
    flat = torch.randn(len(runs), 5, generator=rng, dtype=torch.float64)
    grads = torch.randn(7, len(runs), 5, generator=rng, dtype=torch.float64) * 3
    ours, moments = flat.clone(), fresh_moments(flat)
    own = Rules(*(value.double() if value.is_floating_point() else value for value in stacked_rules(*runs)))
    for step, grad in enumerate(grads):
        now = Pace(*(part.double() for part in stacked_pace(*runs, step=step)))
        assert update(ours, grad, moments, own, now).all()
    for i, run in enumerate(runs):
        theirs = torch.nn.Parameter(flat[i].clone())
        optimiser = THEIRS[run["optimizer"]]([theirs], run["lr"], run["momentum"])
        for grad in grads:
            theirs.grad = grad[i] + run["decay"] * theirs.detach()
            if run["clip"]:
                torch.nn.utils.clip_grad_norm_([theirs], run["clip"])
            optimiser.step()
        torch.testing.assert_close(ours[i], theirs.detach(), rtol=2e-5, atol=1e-6, msg=str(run))


def test_a_gradient_that_is_not_finite_leaves_its_run_and_the_neighbours_alone() -> None:
    flat = torch.ones(3, 4)
    grad = torch.ones(3, 4)
    grad[1, 2] = torch.nan
    with_nan, without = flat.clone(), flat.clone()
    own, now = stacked_rules(*[{"clip": 1.0}] * 3), stacked_pace({}, {}, {}, step=0)
    takes = update(with_nan, grad, fresh_moments(flat), own, now)
    update(without, torch.ones(3, 4), fresh_moments(flat), own, now)
    assert takes.tolist() == [True, False, True]
    assert torch.equal(with_nan[1], flat[1])
    assert torch.equal(with_nan[[0, 2]], without[[0, 2]])


def test_runs_at_different_steps_of_their_training_step_as_each_would_alone() -> None:
    trains = [DEFAULTS | {"schedule": "exponential", "lr_final": 0.1}] * 3
    together = pace(trains, [0, 7, 93], torch.device("cpu"))
    for i, step in enumerate((0, 7, 93)):
        alone = pace(trains[:1], [step], torch.device("cpu"))
        assert (alone.size[0], alone.fill[0]) == (together.size[i], together.fill[i])


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
