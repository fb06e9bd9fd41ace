"""Perceptron capacity."""

import math
from pathlib import Path

import pytest
import torch

from slowpoints import tasks
from slowpoints.engine.draws import Draws
from slowpoints.measures import information
from slowpoints.tasks import Batch, perceptron, stacked
from slowpoints.tasks.perceptron import Settings


def rng(seed=0):
    return Draws([seed])


def world(settings, n_parameters=50, seed=0):
    return perceptron.world(settings, n_parameters=n_parameters, rng=rng(seed), data_dir=Path())


@pytest.mark.parametrize(
    ("labels_per_parameter", "n_parameters", "b"), [(2.5, 50, 125), (0.33, 10, 3), (0.01, 10, 1)]
)
def test_the_set_has_a_number_of_labels_in_proportion_to_the_parameters(
    labels_per_parameter, n_parameters, b
):
    drawn = world(Settings(n_in=7, labels_per_parameter=labels_per_parameter), n_parameters)
    assert (drawn.inputs.shape, drawn.labels.shape) == ((b, 7), (b,))


def test_inputs_and_labels_are_fair_bits():
    drawn = world(Settings(n_in=8), 2500)
    assert set(drawn.inputs.unique().tolist()) == {-1.0, 1.0}
    assert set(drawn.labels.unique().tolist()) == {0.0, 1.0}
    signs = torch.cat([drawn.inputs, 2 * drawn.labels[:, None] - 1], 1)
    assert (signs.T @ signs / len(signs) - torch.eye(9)).abs().max() < 0.05
    assert signs.mean(0).abs().max() < 0.05


def test_a_set_of_single_bits_may_be_asked_at_once():
    settings = Settings(n_in=1, n_steps=1)
    assert perceptron.sample(
        settings, world(settings), batch=3, split="train", rng=rng(1)
    ).x.shape == (3, 1, 1)


def test_each_run_has_a_set_of_its_own():
    assert not torch.equal(world(Settings(), seed=1).inputs, world(Settings(), seed=2).inputs)


@pytest.mark.parametrize(("inject", "n_shown"), [("once", 1), ("always", 3)])
def test_a_batch_shows_inputs_of_the_set_with_their_labels(inject, n_shown):
    settings = Settings(n_in=12, n_steps=3, inject=inject)
    drawn = world(settings)
    known = {tuple(x): y for x, y in zip(drawn.inputs.tolist(), drawn.labels.tolist(), strict=True)}
    batch = perceptron.sample(settings, drawn, batch=30, split="train", rng=rng(1))
    assert (batch.x.shape[1], batch.n_steps) == (n_shown, 3)
    for x, y in zip(batch.x, batch.y.flatten().tolist(), strict=True):
        assert all(known[tuple(step)] == y for step in x.tolist())


def test_every_row_of_the_set_is_drawn():
    settings = Settings(labels_per_parameter=0.1)
    drawn = world(settings)
    x = perceptron.sample(settings, drawn, batch=200, split="train", rng=rng(1)).x[:, 0]
    assert len(x.unique(dim=0)) == len(drawn.labels) == 5


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_evaluation_is_the_whole_set_in_order_on_every_split(split):
    drawn = world(Settings())
    batch = perceptron.evaluation(Settings(), drawn, rows=3, split=split, rng=rng(1))
    assert torch.equal(batch.x[:, 0], drawn.inputs)
    assert torch.equal(batch.y[:, 0, 0], drawn.labels)
    assert torch.equal(batch.weight, torch.ones(200, 1))


def test_runs_with_sets_of_different_size_stack_and_score_their_own_set():
    sizes = [Settings(labels_per_parameter=ratio) for ratio in (0.1, 0.2)]
    batch = stacked(
        [perceptron.evaluation(s, world(s), rows=0, split="test", rng=rng(1)) for s in sizes]
    )
    assert batch.weight.sum((1, 2)).tolist() == [5, 10]
    right = 2 * batch.y - 1
    right[1, 0] *= -1
    assert perceptron.score(sizes[0], right, batch)["accuracy"].tolist() == pytest.approx(
        [1.0, 0.9]
    )


def test_loss_is_the_cross_entropy_of_the_labels():
    y = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)
    batch = Batch(
        torch.zeros(1, 2, 1, 1), y, torch.ones(1, 2, 1), torch.ones(1, 1, dtype=torch.bool)
    )
    logit = torch.tensor([1.5, 0.5]).reshape(1, 2, 1, 1)
    p = logit.double().sigmoid().flatten()
    wanted = -(math.log(p[0]) + math.log(1 - p[1])) / 2
    assert tasks.load("perceptron").minimised(Settings(), logit, batch).item() == pytest.approx(
        wanted
    )
    score = perceptron.score(Settings(), logit, batch)
    assert score["soft_bits_per_label"].item() == pytest.approx(1 - wanted / math.log(2))
    assert score["accuracy"].item() == 0.5


def test_a_certain_and_right_network_saves_one_bit_per_label():
    drawn = world(Settings())
    batch = stacked([perceptron.evaluation(Settings(), drawn, rows=0, split="test", rng=rng(1))])
    score = perceptron.score(Settings(), 100 * (2 * batch.y - 1), batch)
    assert score["accuracy"].item() == score["soft_bits_per_label"].item() == 1.0
    assert perceptron.solved(Settings(), score).tolist() == [True]


def test_the_score_is_the_bits_stored_per_parameter():
    settings = Settings(labels_per_parameter=5.25)
    y = torch.ones(1, 10_000, 1, 1)
    batch = Batch(
        torch.zeros(1, 10_000, 1, 1),
        y,
        torch.ones(1, 10_000, 1),
        torch.ones(1, 1, dtype=torch.bool),
    )
    out = torch.ones(1, 10_000, 1, 1)
    out[:, :53] = -1  # the accuracy that means five bits, by the paper's formula
    assert perceptron.score(settings, out, batch)["bits_per_parameter"].item() == pytest.approx(
        5, abs=0.005
    )


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_the_information_is_that_of_the_analysis(n_classes):
    p = torch.tensor(
        [0.0, 0.05, 1 / n_classes, 0.4, 0.5, 0.9, 0.999, 1.0, math.nan], dtype=torch.float64
    )
    wanted = information.mutual_information(1, p.numpy(), n_classes=n_classes)
    assert perceptron.information(p, n_classes=n_classes).tolist() == pytest.approx(
        wanted, abs=1e-12, nan_ok=True
    )
    single = perceptron.information(p.float(), n_classes=n_classes)
    assert single.tolist() == pytest.approx(wanted, abs=1e-6, nan_ok=True)


def test_labels_of_many_classes_are_uniform_and_asked_of_as_many_outputs():
    settings = Settings(n_classes=5)
    drawn = world(settings, 2500)
    share = torch.bincount(drawn.labels) / len(drawn.labels)
    assert share.tolist() == pytest.approx([0.2] * 5, abs=0.02)  # five standard errors
    assert torch.equal(drawn.inputs, world(Settings(), 2500).inputs)
    batch = perceptron.sample(settings, drawn, batch=4, split="train", rng=rng(1))
    assert (perceptron.n_out(settings), batch.y.dtype, batch.y.shape) == (5, torch.long, (4, 1))
    assert perceptron.n_out(Settings()) == 1


def test_the_loss_of_many_classes_is_their_cross_entropy():
    settings = Settings(n_classes=3, labels_per_parameter=2.0)
    y = torch.tensor([2, 0]).reshape(1, 2, 1)
    batch = Batch(
        torch.zeros(1, 2, 1, 1), y, torch.ones(1, 2, 1), torch.ones(1, 3, dtype=torch.bool)
    )
    out = torch.tensor([[0.0, 1.0, 2.0], [0.5, 0.0, 1.0]]).reshape(1, 2, 1, 3)
    p = out[0, :, 0].double().softmax(-1)
    wanted = -(math.log(p[0, 2]) + math.log(p[1, 0])) / 2
    assert tasks.load("perceptron").minimised(settings, out, batch).item() == pytest.approx(wanted)
    score = perceptron.score(settings, out, batch)
    assert score["accuracy"].item() == 0.5
    assert score["soft_bits_per_label"].item() == pytest.approx(math.log2(3) - wanted / math.log(2))
    assert score["bits_per_parameter"].item() == pytest.approx(
        2 * (math.log2(3) - 1 - 0.5), abs=1e-6
    )


def test_knowing_all_of_many_classes_is_worth_more_bits_and_chance_none():
    settings = Settings(n_classes=8, labels_per_parameter=2.0)
    batch = stacked(
        [perceptron.evaluation(settings, world(settings), rows=0, split="test", rng=rng(1))]
    )
    known = 100.0 * torch.nn.functional.one_hot(batch.y, 8)
    assert perceptron.score(settings, known, batch)["bits_per_parameter"].item() == pytest.approx(6)
    assert perceptron.score(settings, -known, batch)["bits_per_parameter"].item() == pytest.approx(
        0, abs=1e-6
    )
    assert perceptron.baseline(settings) == {
        "accuracy": 0.125,
        "soft_bits_per_label": 0.0,
        "bits_per_parameter": 0.0,
    }


@pytest.mark.parametrize(("accuracy", "is_solved"), [(0.98, False), (0.99, True)])
def test_solved_means_99_of_100_labels(accuracy, is_solved):
    score = {"accuracy": torch.tensor([accuracy], dtype=torch.float64)}
    assert perceptron.solved(Settings(), score).tolist() == [is_solved]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_in": 0}, "n_in is 0; must be at least 1"),
        ({"n_steps": 0}, "n_steps is 0; must be at least 1"),
        ({"labels_per_parameter": 0.0}, "labels_per_parameter is 0.0; must be positive"),
        ({"labels_per_parameter": math.nan}, "labels_per_parameter is nan; must be positive"),
        ({"inject": "twice"}, "inject is 'twice'; must be once or always"),
        ({"n_classes": 1}, "n_classes is 1; must be at least 2"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
