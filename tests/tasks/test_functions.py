"""Random continuous functions."""

from pathlib import Path

import pytest
import torch

from slowpoints.engine.draws import Draws
from slowpoints.tasks import functions, stacked
from slowpoints.tasks.functions import Settings

SMALL = Settings(n_in=3, n_samples=40, tau=5, n_steps=4)


def rng(seed=0):
    return Draws([seed])


def world(settings=SMALL, seed=0):
    return functions.world(settings, n_parameters=50, rng=rng(seed), data_dir=Path())


def test_the_weights_fall_as_one_over_rank_plus_tau_and_add_up_to_one():
    beta = world().beta
    assert beta.sum().item() == pytest.approx(1)
    assert (beta[0] / beta[-1]).item() == pytest.approx((40 + 5) / (1 + 5))
    assert (beta[1] / beta[2]).item() == pytest.approx((3 + 5) / (2 + 5))


def test_inputs_and_targets_are_standard_normal_and_a_run_has_its_own():
    drawn = world(Settings(n_samples=20_000))
    numbers = torch.cat([drawn.inputs, drawn.targets[:, None]], 1)
    assert (numbers.T @ numbers / len(numbers) - torch.eye(51)).abs().max() < 0.05
    assert not torch.equal(drawn.targets, world(Settings(n_samples=20_000), seed=1).targets)


def test_samples_come_as_often_as_they_count():
    drawn = world()
    batch = functions.sample(SMALL, drawn, batch=200_000, split="train", rng=rng(1))
    known = {y: i for i, y in enumerate(drawn.targets.tolist())}
    found = (
        torch.bincount(torch.tensor([known[y] for y in batch.y.flatten().tolist()]), minlength=40)
        / 200_000
    )
    error = (drawn.beta * (1 - drawn.beta) / 200_000).sqrt()
    assert ((found - drawn.beta).abs() < 4 * error).all()
    assert batch.weight.unique().tolist() == [1]


@pytest.mark.parametrize(("inject", "n_shown"), [("once", 1), ("always", 4)])
def test_a_batch_shows_inputs_of_the_set_with_their_targets(inject, n_shown):
    settings = Settings(n_in=3, n_samples=40, tau=5, n_steps=4, inject=inject)
    drawn = world(settings)
    known = {
        tuple(x): y for x, y in zip(drawn.inputs.tolist(), drawn.targets.tolist(), strict=True)
    }
    batch = functions.sample(settings, drawn, batch=30, split="train", rng=rng(1))
    assert (batch.x.shape, batch.n_steps) == ((30, n_shown, 3), 4)
    for x, y in zip(batch.x, batch.y.flatten().tolist(), strict=True):
        assert all(known[tuple(step)] == y for step in x.tolist())


def squares(settings, drawn, rows):
    """Return the squared error of a network that answers 0 always, as evaluated."""
    batch = stacked([functions.evaluation(settings, drawn, rows=rows, split="test", rng=rng(2))])
    return functions.score(settings, torch.zeros_like(batch.y), batch)["mse"].item()


def test_evaluation_is_the_whole_weighted_set_where_the_rows_reach():
    drawn = world()
    wanted = (drawn.beta * drawn.targets.double().square()).sum().item()
    assert squares(SMALL, drawn, rows=40) == squares(SMALL, drawn, rows=64) == pytest.approx(wanted)
    batch = functions.evaluation(SMALL, drawn, rows=40, split="test", rng=rng(1))
    assert torch.equal(batch.x[:, 0], drawn.inputs)


@pytest.mark.parametrize("rows", [7, 32])
def test_with_fewer_rows_every_sample_is_there_as_often_as_it_counts_to_within_one(rows):
    drawn = world()
    for seed in range(5):
        batch = functions.evaluation(SMALL, drawn, rows=rows, split="valid", rng=rng(seed))
        times = (batch.y[:, 0] == drawn.targets).sum(0)
        assert ((times - rows * drawn.beta).abs() < 1).all()
        assert torch.equal(batch.weight, torch.ones(rows, 1))
    other = functions.evaluation(SMALL, drawn, rows=rows, split="valid", rng=rng(9))
    assert not torch.equal(other.y, batch.y)


def test_the_last_sample_is_drawn_even_where_the_weights_miss_one_a_little():
    drawn = world()
    short = drawn._replace(edges=drawn.edges - 1e-9)
    assert functions._index(
        short, torch.tensor([0.0, 1.0 - 1e-12], dtype=torch.float64)
    ).tolist() == [0, 39]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_in": 0}, "n_in is 0; must be at least 1"),
        ({"n_samples": 0}, "n_samples is 0; must be at least 1"),
        ({"n_steps": 0}, "n_steps is 0; must be at least 1"),
        ({"tau": -1}, "tau is -1; must be 0 or more"),
        ({"inject": "twice"}, "inject is 'twice'; must be once or always"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
