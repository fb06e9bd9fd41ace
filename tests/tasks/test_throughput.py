"""Memory throughput."""

import pytest
import torch

from slowpoints import tasks
from slowpoints.engine.draws import Draws
from slowpoints.tasks import stacked, throughput
from slowpoints.tasks.throughput import Settings


def sample(settings, batch=2000):
    return throughput.sample(settings, None, batch=batch, split="train", rng=Draws([1]))


def test_the_vector_is_shown_first_and_wanted_last():
    batch = sample(Settings(n_in=3, n_steps=4), batch=2)
    assert batch.x.shape == (2, 1, 3)
    assert (batch.silent, batch.n_steps) == (3, 4)
    assert torch.equal(batch.y, batch.x)
    assert (batch.x != 0).all()


def test_numbers_are_uniform_with_variance_one():
    y = sample(Settings()).y
    assert 3**0.5 - 1e-3 < y.abs().max() <= 3**0.5
    assert y.mean().item() == pytest.approx(0, abs=0.02)
    assert y.var().item() == pytest.approx(1, abs=0.02)


def test_keeping_n_of_the_numbers_leaves_the_others_variance():
    settings = Settings(n_in=64)
    batch = stacked([sample(settings)])
    kept = batch.y.clone()
    kept[..., 16:] = 0
    assert throughput.score(settings, kept, batch)["mse"].item() == pytest.approx(
        1 - 16 / 64, abs=0.01
    )
    assert tasks.load("throughput").minimised(
        settings, batch.y - 0.1, batch
    ).item() == pytest.approx(0.01)


@pytest.mark.parametrize(("mse", "is_solved"), [(0.0, True), (0.0099, True), (0.01, False)])
def test_solved_means_an_error_below_one_hundredth(mse, is_solved):
    assert throughput.solved(
        Settings(), {"mse": torch.tensor([mse], dtype=torch.float64)}
    ).tolist() == [is_solved]


def test_a_single_number_may_be_wanted_at_once():
    batch = sample(Settings(n_in=1, n_steps=1))
    assert torch.equal(batch.x, batch.y)


@pytest.mark.parametrize("key", ["n_in", "n_steps"])
def test_empty_sequences_are_refused(key):
    with pytest.raises(ValueError, match=f"{key} is 0; must be at least 1"):
        Settings(**{key: 0})
