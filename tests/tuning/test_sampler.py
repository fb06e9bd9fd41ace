"""Suggestions: within the space, the same for the same knowledge, better than chance where
something can be learnt.
"""

import math
from typing import Any

import pytest

from helpers.networks import build
from slowpoints.spec.tuning import Distribution
from slowpoints.tuning.sampler import Dimensions, Trial, dimensions, settings, suggest

DIMS: Dimensions = {
    "train.lr": ("log", (1e-4, 1e-1)),
    "train.momentum": ("logit", (1.0, 7.0)),
    "task.n_compute": ("integer", (1, 6)),
    "net.recurrent_init": ("choice", ("orthogonal", "normal")),
    "net.bias_scale": ("uniform", (-2.0, 2.0)),
}


def value(point: dict[str, Any]) -> float:
    """Return something to maximise: best at a rate of .01, a bias of 1 and orthogonal matrices."""
    return (
        -((math.log10(point["train.lr"]) + 2) ** 2)
        - (point["net.bias_scale"] - 1) ** 2
        + 0.5 * (point["net.recurrent_init"] == "orthogonal")
    )


def asked(
    known: list[Trial], n: int, *, sampler: str = "gp", goal: str = "highest", name: str = "s"
) -> list[Any]:
    return suggest(DIMS, known, n, goal=goal, sampler=sampler, first=8, name=name)


def searched(sampler: str, *, name: str, sign: int = 1) -> float:
    known: list[Trial] = []
    while len(known) < 32:
        goal = "highest" if sign == 1 else "lowest"
        known += [
            Trial(p, sign * value(p))
            for p in asked(known, 8, sampler=sampler, goal=goal, name=name)
        ]
    return max(sign * trial.value for trial in known if trial.value is not None)


@pytest.mark.parametrize("sampler", ["gp", "random"])
def test_suggestions_lie_in_the_space(sampler: str) -> None:
    points = asked([], 64, sampler=sampler)
    known = [Trial(point, value(point)) for point in points[:10]]
    for point in points + asked(known, 4, sampler=sampler):
        assert list(point) == list(DIMS)
        assert 1e-4 <= point["train.lr"] <= 1e-1
        assert point["task.n_compute"] in range(1, 7)
        assert point["net.recurrent_init"] in ("orthogonal", "normal")
        assert -2 <= point["net.bias_scale"] <= 2
    assert {point["task.n_compute"] for point in points} == set(range(1, 7))
    assert sum(point["train.lr"] < 10**-2.5 for point in points) == pytest.approx(32, abs=12), (
        "uniform in the log"
    )


@pytest.mark.parametrize("sampler", ["gp", "random"])
def test_the_same_knowledge_gives_the_same_suggestions(sampler: str) -> None:
    first = asked([], 8, sampler=sampler)
    known = [Trial(point, value(point)) for point in first]
    assert first == asked([], 8, sampler=sampler)
    assert asked(known, 4, sampler=sampler) == asked(known, 4, sampler=sampler)
    assert asked(known, 4, sampler=sampler) != asked(
        known, 4, sampler=sampler, name="another study"
    )


def test_the_first_points_are_the_same_in_every_study_however_they_are_asked_for() -> None:
    whole = asked([], 8)
    known = [Trial(point, 0.0) for point in whole[:3]]
    assert asked(known, 5, name="another") == whole[3:]


def test_random_trials_do_not_depend_on_how_many_are_asked_for() -> None:
    whole = asked([], 6, sampler="random")
    assert asked([Trial(p, 0.0) for p in whole[:2]], 4, sampler="random") == whole[2:]


def test_the_model_finds_more_than_chance_does() -> None:
    gains = [searched("gp", name=name) - searched("random", name=name) for name in ("a", "b", "c")]
    assert sum(gains) > 0.1
    assert searched("gp", name="a") > 0.4, "of 0.5 at best"


def test_lowest_is_highest_turned_over() -> None:
    assert searched("gp", name="a", sign=-1) > 0.4


def test_a_diverged_trial_keeps_the_model_away_from_its_like() -> None:
    points = asked([], 32)
    known = [Trial(p, None if p["train.lr"] > 3e-3 else value(p)) for p in points]
    later = suggest(DIMS, known, 4, goal="highest", sampler="gp", first=8, name="s")
    assert sum(point["train.lr"] > 1e-2 for point in later) <= 1


def test_when_all_diverged_the_search_goes_on() -> None:
    known = [Trial(point, None) for point in asked([], 8)]
    assert len(asked(known, 3)) == 3


def test_scales_are_one_per_stream_of_the_cell_and_biases_one_per_gate_that_keeps() -> None:
    space = {
        "net.recurrent_scale": Distribution("log", (0.1, 1), "stream"),
        "net.keep_bias": Distribution("uniform", (0, 6), "keep"),
        "train.lr": Distribution("log", (0.1, 1)),
    }
    assert list(dimensions(space, build("lstm"))) == [
        *(f"net.recurrent_scale.{name}" for name in ("input", "forget", "candidate", "output")),
        "net.keep_bias.forget",
        "train.lr",
    ]
    assert list(dimensions(space, build("rnn"))) == ["net.recurrent_scale.state", "train.lr"]
    assert list(dimensions(space, build("irnn"))) == ["train.lr"], "the identity is never scaled"
    assert list(dimensions(space, build("min_gru"))) == ["net.keep_bias.update", "train.lr"], (
        "no recurrent matrix"
    )
    both = [name for name in dimensions(space, build("intersection_rnn")) if "keep" in name]
    assert both == ["net.keep_bias.output_gate", "net.keep_bias.gate"]


def test_settings_are_points_with_logits_as_shares() -> None:
    point = asked([], 1)[0]
    found = settings(DIMS, point)
    assert found["train.momentum"] == pytest.approx(1 / (1 + math.exp(-point["train.momentum"])))
    assert found["train.lr"] == point["train.lr"]


def test_a_search_near_a_point_tries_it_first_and_stays_in_the_space() -> None:
    dims: dict[str, tuple[str, tuple[Any, ...]]] = {
        "a": ("log", (0.001, 0.1)),
        "b": ("uniform", (0.0, 1.0)),
        "c": ("integer", (1, 8)),
        "d": ("choice", ("x", "y", "z")),
        "e": ("logit", (-3.0, 3.0)),
    }
    near = {"a": 0.1, "b": 0.0, "c": 8, "d": "z", "e": 0.5}
    found = suggest(dims, [], 16, goal="highest", sampler="gp", first=16, name="own", near=near)
    assert found[0] == pytest.approx(near)
    assert {own["c"] for own in found} <= set(range(4, 9))
    assert all(0.01 - 1e-9 <= own["a"] <= 0.1 and 0 <= own["b"] <= 0.5 for own in found)
    assert all(-1.0 - 1e-9 <= own["e"] <= 2.0 + 1e-9 for own in found)
    later = suggest(
        dims,
        [Trial(found[0], 1.0)],
        3,
        goal="highest",
        sampler="gp",
        first=16,
        name="own",
        near=near,
    )
    assert later == found[1:4], "however they are asked for"
