"""The optimiser of a stack against torch's own, one network at a time."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from slowpoints.engine.cpu import build
from slowpoints.engine.cpu import optimiser_step as optimiser
from slowpoints.spec.training import TrainSettings
from slowpoints.training.optimiser import (
    Moments,
    Pace,
    Rules,
    joined,
    pace,
    rate,
    rules,
    update,
    views,
)

DEFAULTS = TrainSettings(steps=100, batch=32, lr=0.1, clip=0.0)


def fresh_moments(flat: torch.Tensor) -> Moments:
    return Moments(torch.zeros_like(flat), torch.zeros_like(flat))


def stacked_rules(*runs: dict[str, Any]) -> Rules:
    return rules([replace(DEFAULTS, **run) for run in runs], torch.device("cpu"))


def stacked_pace(*runs: dict[str, Any], step: int) -> Pace:
    return Pace(*pace([replace(DEFAULTS, **run) for run in runs], [step] * len(runs)))


THEIRS = {
    "sgd": lambda p, lr, momentum: torch.optim.SGD(p, lr=lr),
    "momentum": lambda p, lr, momentum: torch.optim.SGD(p, lr=lr, momentum=momentum),
    "rmsprop": lambda p, lr, momentum: torch.optim.RMSprop(p, lr=lr, alpha=momentum),
    "adam": lambda p, lr, momentum: torch.optim.Adam(p, lr=lr, betas=(momentum, 0.999)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["compiled", "in torch"])
def test_every_run_of_a_mixed_stack_steps_as_torch_does(dtype: torch.dtype) -> None:
    runs = [
        {"optimizer": kind, "momentum": momentum, "decay": decay, "clip": clip, "lr": lr}
        for kind in THEIRS
        for momentum, decay, clip, lr in (
            (0.9, 0.0, 1.0, 0.1),
            (0.5, 0.01, 100.0, 0.01),
            (0.99, 0.1, 0.0, 0.1),
        )
    ]
    rng = torch.Generator().manual_seed(0)
    flat = torch.randn(len(runs), 32, generator=rng, dtype=dtype)
    grads = torch.randn(7, len(runs), 32, generator=rng, dtype=dtype) * 3
    ours, moments = flat.clone(), fresh_moments(flat)
    own = Rules(*(value.to(dtype) for value in stacked_rules(*runs)))
    for step, grad in enumerate(grads):
        now = Pace(*(part.to(dtype) for part in stacked_pace(*runs, step=step)))
        assert update(
            ours, [grad[:, :18].unflatten(1, (2, 9)), grad[:, 18:]], moments, own, now
        ).all()
    for i, run in enumerate(runs):
        theirs = torch.nn.Parameter(flat[i].clone())
        optimiser = THEIRS[run["optimizer"]]([theirs], run["lr"], run["momentum"])
        for grad in grads:
            theirs.grad = grad[i] + run["decay"] * theirs.detach()
            if run["clip"]:
                torch.nn.utils.clip_grad_norm_([theirs], run["clip"])
            optimiser.step()
        torch.testing.assert_close(ours[i], theirs.detach(), rtol=2e-5, atol=1e-6, msg=str(run))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["compiled", "in torch"])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e200])
def test_a_gradient_that_is_not_finite_leaves_its_run_and_the_neighbours_alone(
    bad: float, dtype: torch.dtype
) -> None:
    flat = torch.ones(3, 32, dtype=dtype)
    grad = torch.ones(3, 32, dtype=dtype)
    grad[1, 2] = bad if dtype == torch.float64 or bad != 1e200 else 1e20  # its square is too large
    with_nan, without = flat.clone(), flat.clone()
    own = Rules(*(value.to(dtype) for value in stacked_rules(*[{"clip": 1.0}] * 3)))
    now = Pace(*(part.to(dtype) for part in stacked_pace({}, {}, {}, step=0)))
    takes = update(with_nan, [grad], fresh_moments(flat), own, now)
    update(without, [torch.ones(3, 32, dtype=dtype)], fresh_moments(flat), own, now)
    assert takes.tolist() == [True, False, True]
    assert torch.equal(with_nan[1], flat[1])
    assert torch.equal(with_nan[[0, 2]], without[[0, 2]])


@pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")
def test_the_compiled_step_is_that_of_torch_and_a_run_is_the_same_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [{"optimizer": kind, "clip": 5.0 * i, "decay": 0.1 * i} for i, kind in enumerate(THEIRS)]
    rng = torch.Generator().manual_seed(0)
    shapes = [(3, 7), (1,), (16,)]
    flat = joined([torch.randn(4, *shape, generator=rng) for shape in shapes])
    grads = [torch.randn(4, *shape, generator=rng) for shape in shapes]

    def stepped(rows: slice, *, n: int = 3) -> torch.Tensor:
        own, moments = flat[rows].clone(), fresh_moments(flat[rows])
        for step in range(n):
            now = stacked_pace(*runs[rows], step=step)
            update(own, [grad[rows] for grad in grads], moments, stacked_rules(*runs[rows]), now)
        return own

    together = stepped(slice(4))
    for i in range(4):
        assert torch.equal(stepped(slice(i, i + 1))[0], together[i])
    monkeypatch.setattr(optimiser, "library", lambda: None)
    torch.testing.assert_close(stepped(slice(4)), together, rtol=1e-6, atol=1e-7)


def test_runs_at_different_steps_of_their_training_step_as_each_would_alone() -> None:
    trains = [replace(DEFAULTS, schedule="exponential", lr_final=0.1)] * 3
    together = Pace(*pace(trains, [0, 7, 93]))
    for i, step in enumerate((0, 7, 93)):
        alone = Pace(*pace(trains[:1], [step]))
        assert (alone.size[0], alone.fill[0]) == (together.size[i], together.fill[i])


def test_views_share_memory_with_the_flat_parameters() -> None:
    params = {"a": torch.arange(8.0).reshape(2, 2, 2), "b": torch.arange(2.0).reshape(2, 1)}
    flat = joined(list(params.values()))
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
    train = replace(DEFAULTS, schedule=schedule, lr=0.5, lr_final=0.01, steps=70, eval_every=10)
    assert rate(train, step=step) == pytest.approx(expected)


def test_the_published_drops_come_at_their_steps() -> None:
    for drop_at, steps, dropped in ((6 / 7, 140_000, 120_000), (0.933333333, 300_000, 280_000)):
        train = replace(
            DEFAULTS, schedule="drop", lr=1.0, lr_final=0.1, drop_at=drop_at, steps=steps
        )
        assert [rate(train, step=step) for step in (dropped - 1, dropped)] == [1.0, 0.1]
