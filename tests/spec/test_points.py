"""What else changes at some values of a sweep, and studies that follow one another along it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slowpoints.plan import dag
from slowpoints.spec.experiment import Experiment, load
from slowpoints.spec.points import next_smaller, points
from slowpoints.spec.strict import SpecError

BASE: dict[str, Any] = {
    "paper": "collins2017",
    "question": "?",
    "task": {"name": "perceptron", "n_in": 6, "n_steps": 2},
    "net": {"cell": "gru", "budget": 100},
    "train": {"steps": 100, "batch": 32, "lr": 0.1, "eval_every": 10},
    "arms": {"gru": {"net.cell": "gru"}, "rnn": {"net.cell": "rnn"}},
    "sweep": {"net.budget": [100, 200, 400]},
    "tune": {
        "metric": "bits_per_parameter",
        "goal": "highest",
        "space": "narrow",
        "trials": 4,
        "follow": "net.budget",
    },
    "seeds": 2,
    "analyses": ["outcomes"],
    "scales": {"laptop": {}},
    "at": {
        "net.budget": {
            "200": {"arms": ["rnn"], "train.steps": 300},
            "400": {"seeds": 1, "tune.trials": 2},
        }
    },
}


def loaded(folder: Path, **changes: Any) -> Experiment:
    path = folder / "example.yaml"
    path.write_text(yaml.safe_dump(BASE | changes))
    return load(path, scale="laptop")


def test_a_value_of_the_sweep_has_its_own_seeds_arms_steps_and_trials(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    sizes = {
        (run.arm, run.sweep["net.budget"]): (run.train.steps, found.studies[run.id].trials)
        for run in found.runs
    }
    assert sizes == {
        ("gru", 100): (100, 4),
        ("gru", 400): (100, 2),
        ("rnn", 100): (100, 4),
        ("rnn", 200): (300, 4),
        ("rnn", 400): (100, 2),
    }
    assert [r.seed for r in found.runs if r.sweep["net.budget"] == 400] == [0, 0]


def test_a_study_follows_its_like_at_the_next_smaller_value_that_has_it(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    follows = {run.id: found.studies[run.id].follows for run in found.runs}
    assert follows["example/rnn/budget=100/1"] == ""
    assert follows["example/rnn/budget=200/1"] == "example/rnn/budget=100/1"
    assert follows["example/rnn/budget=400/0"] == "example/rnn/budget=200/0"
    assert follows["example/gru/budget=400/0"] == "example/gru/budget=100/0"


def test_a_plan_says_what_it_follows_and_nothing_where_it_follows_none(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    first, second = (found.studies[f"example/rnn/budget={n}/0"] for n in (100, 200))
    assert "follows" not in first.as_json()
    assert second.as_json()["follows"] == "example/rnn/budget=100/0"


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ({"net.units": {}}, "unknown swept key 'net.units'"),
        ({"net.budget": {"300": {}}}, "unknown value of the sweep '300'"),
        ({"net.budget": {"200": 3}}, "expected a mapping such as {train.steps: 4000}"),
        ({"net.budget": 3}, "expected values of the sweep"),
        ({"net.budget": {"200": {"steps": 3}}}, "unknown key 'steps'; expected seeds, arms"),
        ({"net.budget": {"200": {"seeds": 0}}}, "seeds: expected a whole number from 1"),
        ({"net.budget": {"200": {"arms": ["lstm"]}}}, "unknown arm 'lstm'"),
        ({"net.budget": {"200": {"train.step": 3}}}, "train: unknown key 'step'"),
    ],
)
def test_what_cannot_be_is_refused(at: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"example\.yaml") as error:
        loaded(tmp_path, at=at)
    assert says in str(error.value)


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(SpecError, match="at: expected swept keys, found 3"):
        points({"net.units": [1]}, 3, where="at")


def test_what_another_scale_says_is_refused_too(tmp_path: Path) -> None:
    at = {"net.budget": {"200": {"train.step": 3}}}
    with pytest.raises(SpecError, match=r"scales\.night.*unknown key 'step'"):
        loaded(tmp_path, scales={"laptop": {}, "night": {"at": at}})


def test_only_what_is_swept_is_followed(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"tune\.follow.*unknown swept key 'net\.units'"):
        loaded(tmp_path, tune=BASE["tune"] | {"follow": "net.units"})


def test_points_of_two_axes_take_what_both_say() -> None:
    found = points(
        {"net.units": [1, 2], "train.lr": [0.1]},
        {"net.units": {"2": {"seeds": 1}}, "train.lr": {"0.1": {"train.steps": 5}}},
        where="",
    )
    assert [own.overrides for own in found] == [{"train.steps": 5}, {"seeds": 1, "train.steps": 5}]
    assert next_smaller({"net.units": 2, "train.lr": 0.1}, "net.units", {"net.units": [1, 2]}) == {
        "net.units": 1,
        "train.lr": 0.1,
    }
    assert next_smaller({"net.units": 1}, "net.units", {"net.units": [1, 2]}) == {}


def test_the_records_of_the_study_before_are_an_input() -> None:
    found = {
        stack.runs[0].id: dag.before_files("night", "collins2017-capacity", name)
        for name, stack in dag.all_stacks("night", "collins2017-capacity").items()
    }
    names = {
        stack.runs[0].id: name
        for name, stack in dag.all_stacks("night", "collins2017-capacity").items()
    }
    assert found["collins2017-capacity/rnn/budget=500/0"] == {}
    before = names["collins2017-capacity/rnn/budget=4000/0"]
    assert found["collins2017-capacity/rnn/budget=8000/0"] == {
        "before": f"results/night/collins2017-capacity/runs/{before}.jsonl"
    }
