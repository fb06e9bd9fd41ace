"""Memorization problem."""

import pytest
import torch

from slowpoints import tasks
from slowpoints.engine.draws import Draws
from slowpoints.tasks import memorization, stacked
from slowpoints.tasks.memorization import Settings


def sample(settings, batch=4):
    return memorization.sample(settings, None, batch=batch, split="train", rng=Draws([1]))


def test_the_first_bits_are_wanted_back_at_the_last_step():
    batch = sample(Settings(n_targeted=3, n_interfering=5))
    assert batch.x.shape == (4, 8, 1)
    assert batch.y.tolist() == batch.x[:, :3, 0][:, None].tolist()
    assert set(batch.x.unique().tolist()) == {-1.0, 1.0}
    assert batch.weight.tolist() == [[1.0]] * 4


def test_in_the_parallel_layout_all_targeted_bits_come_at_once():
    batch = sample(Settings(n_targeted=3, n_interfering=5, layout="parallel"))
    assert batch.x.shape == (4, 6, 3)
    assert torch.equal(batch.y, batch.x[:, :1])
    assert (batch.x.abs() == 1).all()


def test_in_the_delay_layout_nothing_interferes():
    batch = sample(Settings(n_targeted=3, n_interfering=5, layout="delay"))
    assert batch.x.shape == (4, 8, 1)
    assert (batch.x[:, 3:] == 0).all()
    assert (batch.x[:, :3].abs() == 1).all()
    assert torch.equal(batch.y[:, 0], batch.x[:, :3, 0])


@pytest.mark.parametrize(("layout", "n_kept"), [("serial", 3), ("delay", 3), ("parallel", 1)])
def test_the_flag_says_which_steps_are_targeted(layout, n_kept):
    batch = sample(Settings(n_targeted=3, n_interfering=2, layout=layout, flag=True))
    assert batch.x[0, :, -1].tolist() == [1.0] * n_kept + [0.0] * 2
    assert batch.x.shape[2] == memorization.n_in(Settings(n_targeted=3, layout=layout, flag=True))
    assert (batch.y.abs() == 1).all()


def test_without_interference_the_question_follows_at_once():
    assert sample(Settings(n_targeted=2, n_interfering=0)).x.shape == (4, 2, 1)


def test_one_bit_alone_is_a_sequence():
    assert sample(Settings(n_targeted=1, n_interfering=0)).x.shape == (4, 1, 1)


def test_bits_are_fair_and_independent():
    x = sample(Settings(n_targeted=2, n_interfering=2), batch=10_000).x[:, :, 0]
    assert (x.T @ x / 10_000 - torch.eye(4)).abs().max() < 0.05  # five standard errors
    assert x.mean(0).abs().max() < 0.05


def test_scores_of_known_outputs():
    settings = Settings(n_targeted=2)
    one = sample(settings, batch=2)
    batch = stacked([one._replace(y=torch.tensor([[[1.0, -1.0]], [[-1.0, -1.0]]]))])
    score = memorization.score(settings, torch.tensor([[[[1.0, -1.0]], [[1.0, -1.0]]]]), batch)
    assert {name: value.item() for name, value in score.items()} == {
        "mse": 1.0,
        "bit_accuracy": 0.75,
        "exact_match": 0.5,
    }
    faint = memorization.score(settings, batch.y / 10, batch)
    assert (faint["bit_accuracy"].item(), faint["exact_match"].item()) == (1.0, 1.0)
    assert tasks.load("memorization").minimised(settings, batch.y, batch).item() == 0
    assert tasks.load("memorization").minimised(settings, batch.y + 0.5, batch).item() == 0.25


@pytest.mark.parametrize(("exact_match", "is_solved"), [(0.98, False), (0.99, True), (1.0, True)])
def test_solved_means_99_of_100_sequences_exactly_right(exact_match, is_solved):
    score = {"exact_match": torch.tensor([exact_match], dtype=torch.float64)}
    assert memorization.solved(Settings(), score).tolist() == [is_solved]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_targeted": 0}, "n_targeted is 0; must be at least 1"),
        ({"n_interfering": -1}, "n_interfering is -1; must be 0 or more"),
        ({"layout": "spiral"}, "layout is 'spiral'; must be serial, parallel or delay"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
