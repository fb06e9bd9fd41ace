"""Next-character prediction."""

import math
from pathlib import Path

import pytest
import torch

from slowpoints import data, tasks
from slowpoints.engine.draws import Draws
from slowpoints.tasks import stacked, text
from slowpoints.tasks.text import Settings

LETTERS = " abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def drawn():
    return text.world(Settings(), n_parameters=50, rng=Draws([0]), data_dir=Path())


def sample(settings, drawn, split="train", batch=20):
    return text.sample(settings, drawn, batch=batch, split=split, rng=Draws([1]))


def test_the_sections_are_the_text_in_order_and_none_twice(drawn):
    assert {split: len(part) for split, part in drawn.items()} == {
        "train": 900_000,
        "valid": 50_000,
        "test": 50_000,
    }
    whole = torch.cat([drawn["train"], drawn["valid"], drawn["test"]])
    assert torch.equal(whole, torch.from_numpy(data.load_text("text8-1m")))


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_the_next_characters_of_the_section_are_wanted_after_the_warm_up(drawn, split):
    batch = sample(Settings(n_steps=12, n_warm=4), drawn, split)
    assert (batch.x.shape, batch.y.shape) == ((20, 12, 27), (20, 8))
    read = batch.x.argmax(-1)
    assert torch.equal(batch.x.sum(-1), torch.ones(20, 12))
    assert torch.equal(batch.y[:, :-1], read[:, 5:]), "each is the input of the next step"
    section = "".join(LETTERS[k] for k in drawn[split].tolist())
    for row, last in zip(read.tolist(), batch.y[:, -1].tolist(), strict=True):
        assert "".join(LETTERS[k] for k in [*row, last]) in section


def test_every_place_of_a_section_is_drawn_and_none_beyond(drawn):
    few = {"train": torch.arange(6, dtype=torch.uint8)}
    batch = sample(Settings(n_steps=3, n_warm=0), few, batch=200)
    assert sorted(set(batch.x[:, 0].argmax(-1).tolist())) == [0, 1, 2]
    assert batch.y.max() == 5


def test_runs_share_one_text(drawn):
    again = text.world(
        Settings(n_steps=7, n_warm=2), n_parameters=1, rng=Draws([0]), data_dir=Path()
    )
    assert again["train"] is drawn["train"]


def test_the_counts_of_the_best_constant_are_those_of_the_training_text(drawn):
    found = torch.bincount(drawn["train"], minlength=27) / 9
    assert [round(n) for n in found.tolist()] == list(text.PER_100_000)


def test_the_best_constant_scores_the_entropy_of_single_symbols(drawn):
    share = torch.bincount(drawn["train"]).double() / 900_000
    entropy = -(share * share.log2()).sum().item()
    assert entropy == pytest.approx(4.12, abs=0.01)
    baseline = text.baseline(Settings())
    assert baseline["bits_per_character"] == pytest.approx(entropy, abs=1e-4)
    assert baseline["accuracy"] == pytest.approx(share.max().item(), abs=1e-4)
    cross = -(share * text.constant(Settings()).double().log_softmax(-1)).sum().item() / math.log(2)
    assert cross == pytest.approx(entropy, abs=1e-6)


def test_a_network_that_knows_the_text_needs_no_bits(drawn):
    batch = stacked([sample(Settings(), drawn)])
    known = 100.0 * torch.nn.functional.one_hot(batch.y, 27)
    score = text.score(Settings(), known, batch)
    assert score["bits_per_character"].item() == pytest.approx(0, abs=1e-6)
    assert score["accuracy"].item() == 1
    assert text.solved(Settings(), score).tolist() == [True]
    even = torch.zeros(1, 20, 37, 27)
    assert tasks.load("text").minimised(Settings(), even, batch).item() == pytest.approx(
        math.log(27)
    )
    assert text.score(Settings(), even, batch)["bits_per_character"].item() == pytest.approx(
        math.log2(27)
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dataset": "text9"}, "dataset is 'text9'; must be one of text8-1m"),
        ({"n_warm": 50}, r"n_warm is 50; must lie in 0..n_steps - 1 = 49"),
        ({"n_warm": -1}, "n_warm is -1"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
