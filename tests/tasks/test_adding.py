"""Adding problem."""

from itertools import pairwise

import pytest
import torch

from slowpoints.engine.draws import Draws
from slowpoints.tasks import adding, stacked
from slowpoints.tasks.adding import Settings


def sample(settings, batch=2000):
    return adding.sample(settings, None, batch=batch, split="train", rng=Draws([1]))


def test_the_sum_of_the_marked_numbers_is_wanted_at_the_last_step():
    batch = sample(Settings(n_steps=9))
    value, mark = batch.x.unbind(2)
    torch.testing.assert_close(batch.y[:, 0, 0], (value * mark).sum(1))
    assert batch.y.shape == (2000, 1, 1)


@pytest.mark.parametrize(("n_steps", "n_marks"), [(9, 2), (10, 3), (4, 4), (5, 1), (1, 1)])
def test_each_part_of_the_sequence_has_one_mark_at_any_of_its_steps(n_steps, n_marks):
    mark = sample(Settings(n_steps=n_steps, n_marks=n_marks)).x[:, :, 1]
    assert set(mark.unique().tolist()) <= {0.0, 1.0}
    edges = [part * n_steps // n_marks for part in range(n_marks + 1)]
    for first, end in pairwise(edges):
        assert (mark[:, first:end].sum(1) == 1).all()
        assert (mark[:, first:end].sum(0) > 0.7 * 2000 / (end - first)).all()


def test_numbers_are_uniform_between_zero_and_one():
    value = sample(Settings()).x[:, :, 0]
    assert 0 <= value.min() < value.max() <= 1
    assert value.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert value.var().item() == pytest.approx(1 / 12, abs=0.002)


@pytest.mark.parametrize("n_marks", [1, 2, 4])
def test_predicting_the_mean_leaves_a_twelfth_per_mark(n_marks):
    settings = Settings(n_marks=n_marks)
    batch = stacked([sample(settings)])
    out = adding.constant(settings).expand(1, 2000, 1, 1)
    assert adding.score(settings, out, batch)["mse"].item() == pytest.approx(n_marks / 12, rel=0.1)
    assert adding.baseline(settings) == {"mse": n_marks / 12}


@pytest.mark.parametrize(("mse", "is_solved"), [(0.0, True), (0.0099, True), (0.01, False)])
def test_solved_means_an_error_below_one_hundredth(mse, is_solved):
    assert adding.solved(
        Settings(), {"mse": torch.tensor([mse], dtype=torch.float64)}
    ).tolist() == [is_solved]


@pytest.mark.parametrize("n_marks", [0, 6])
def test_marks_that_do_not_fit_are_refused(n_marks):
    with pytest.raises(ValueError, match=rf"n_marks is {n_marks}; must lie in 1..n_steps = 5"):
        Settings(n_steps=5, n_marks=n_marks)
