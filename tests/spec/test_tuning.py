"""What is tuned: spaces read strictly, studies planned, mistakes found before any job starts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.plans import ROOT, make_run
from slowpoints.plan.stacks import stacks
from slowpoints.spec import tuning
from slowpoints.spec.experiment import Experiment, load
from slowpoints.spec.strict import SpecError

TUNE = {"metric": "mse", "goal": "lowest", "space": "small", "trials": 6, "reruns": 2}
BASE: dict[str, Any] = {
    "paper": "collins2017",
    "question": "?",
    "task": {"name": "memorization", "n_targeted": 2, "n_interfering": 3},
    "net": {"cell": "gru", "units": 4},
    "train": {"steps": 100, "batch": 32, "lr": 0.1, "eval_every": 10},
    "arms": {
        "gru": {"net.cell": "gru"},
        "lstm": {"net.cell": "lstm"},
        "rnn": {"net.cell": "rnn", "train.lr": 0.01},
    },
    "sweep": {"net.units": [2, 3]},
    "seeds": 1,
    "analyses": ["outcomes"],
    "scales": {"smoke": {"tune.trials": 2}, "laptop": {}},
}
SPACE: dict[str, Any] = {
    "net.activation": {"choice": ["tanh", "relu"]},
    "net.recurrent_scale": {"log": [0.5, 2.0], "per": "stream"},
    "train.lr": {"log": [0.001, 0.1]},
    "train.momentum": {"logit": [1.0, 7.0]},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let `small` be the only space."""
    monkeypatch.setattr(tuning, "SPACES", tmp_path)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SPACE))
    return tmp_path


def loaded(
    folder: Path, *, scale: str = "laptop", tune: dict[str, Any] | None = None, **changes: Any
) -> Experiment:
    path = folder / "experiments" / "example.yaml"
    path.parent.mkdir(exist_ok=True)
    block = {} if tune == {} else {"tune": TUNE | (tune or {})}
    path.write_text(yaml.safe_dump(BASE | block | changes))
    return load(path, scale=scale)


def test_every_arm_and_sweep_point_is_a_study_with_a_job_of_its_own(folder: Path) -> None:
    found = stacks(loaded(folder))
    assert len(found) == len({stack.name for stack in found}) == 3 * 2
    assert {len(stack.runs) for stack in found} == {1}
    assert all(stack.study.trials == 6 for stack in found)
    assert {stack.study.trials for stack in stacks(loaded(folder, scale="smoke"))} == {2}


def test_what_the_arm_sets_or_the_cell_lacks_is_not_tuned(folder: Path) -> None:
    spaces = {key.split("/")[1]: set(study.space) for key, study in loaded(folder).studies.items()}
    assert spaces["gru"] == set(SPACE)
    assert spaces["lstm"] == set(SPACE) - {"net.activation"}
    assert spaces["rnn"] == set(SPACE) - {"train.lr"}


def test_the_sweep_is_not_tuned_and_own_entries_replace_those_of_the_space(folder: Path) -> None:
    own = {"train.momentum": {"uniform": [0.1, 0.2]}, "task.n_interfering": {"integer": [0, 3]}}
    found = loaded(
        folder,
        arms={"gru": {"net.cell": "gru"}},
        sweep={"train.lr": [0.1, 0.2]},
        tune={"also": own},
    )
    study = found.studies["example/gru/lr=0.1/0"].space
    assert set(study) == set(SPACE) - {"train.lr"} | {"task.n_interfering"}
    assert study["train.momentum"] == tuning.Distribution("uniform", (0.1, 0.2))


def test_choices_that_a_cell_refuses_are_left_out(folder: Path) -> None:
    also = {"net.recurrent_init": {"choice": ["identity", "orthogonal", "normal"]}}
    changes = {"arms": {"rnn": {"net.cell": "rnn"}}, "tune": {"also": also}}
    study = next(iter(loaded(folder, **changes).studies.values()))
    assert study.space["net.recurrent_init"].values == ("orthogonal", "normal")


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ({"space": "smal"}, r"unknown space 'smal'; did you mean 'small'\?"),
        ({"goal": "high"}, "tune.goal: unknown value 'high'"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"reruns": -1}, "reruns must not be negative"),
        ({"rungs": [0.5, 0.25]}, "rungs are shares of the steps"),
        ({"rungs": [0.5], "keep": 1.0}, "keep is the share that goes on"),
        ({"rungs": [0.25]}, "rung 0.25: no evaluation after this share of 100 steps"),
        ({"rungs": [0.5], "also": {"train.steps": {"log": [50, 500]}}}, "do not tune train.steps"),
        ({"also": {"train.lr": 0.1}}, r"also: train.lr: expected one of uniform, log"),
        ({"also": {"train.lr": {"log": [0, 1]}}}, "log takes two positive numbers"),
        ({"also": {"train.lr": {"uniform": [1, 0]}}}, "uniform takes two numbers, the lower first"),
        (
            {"also": {"train.lr": {"log": [0.1, 1.0], "pro": "stream"}}},
            "beside log only per: stream",
        ),
        (
            {"also": {"train.optimizer": {"choice": ["adam"]}}},
            "choice takes two or more different values",
        ),
        (
            {"also": {"train.optimizer": {"choice": ["adam", "lion"]}}},
            "train.optimizer: unknown value 'lion'",
        ),
        (
            {"also": {"train.momentum": {"uniform": [0.5, 1.0]}}},
            r"train.momentum: train: momentum must lie in \[0, 1\)",
        ),
        ({"also": {"train.lrr": {"log": [0.1, 1.0]}}}, "train.lrr: no such setting"),
        (
            {"also": {"net.units": {"integer": [1, 8]}}},
            "cannot be tuned: the networks of a study share it",
        ),
        (
            {"also": {"train.stop_times": {"integer": [1, 8]}}},
            "cannot be tuned: the networks of a study share it",
        ),
        ({"also": {"seeds": {"integer": [1, 8]}}}, "expected <block>.<key>"),
    ],
)
def test_a_mistake_is_found_while_planning(
    folder: Path, tune: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        loaded(folder, tune=tune)


def test_the_block_in_the_readme_is_one_that_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "SPACES", ROOT / "config" / "spaces")
    (block,) = re.findall(
        r"```yaml\n(tune:.*?)```", (ROOT / "docs" / "tuning-guide.md").read_text("utf-8"), re.DOTALL
    )
    train = BASE["train"] | {"eval_every": 25}
    found = loaded(
        folder, **yaml.safe_load(block), task={"name": "perceptron"}, train=train, sweep={}
    )
    study = found.studies["example/gru/0"]
    assert {"task.labels_per_parameter", "train.lr", "net.keep_bias"} <= set(study.space)
    assert study.rungs == (0.25,)


def test_seeds_are_independent_studies_of_the_same_condition(folder: Path) -> None:
    two = loaded(folder, seeds=2)
    one = loaded(folder, seeds=1)
    assert len(two.studies) == 2 * len(one.studies)
    assert set(one.studies) < set(two.studies)
    assert len({stack.name for stack in stacks(two)}) == len(two.studies)


def test_settings_of_a_study_without_a_study_are_a_mistake(folder: Path) -> None:
    with pytest.raises(SpecError, match="missing metric, goal, space"):
        loaded(folder, tune={}, scales={"laptop": {"tune.trials": 3}})


def test_steps_are_rounded_to_whole_evaluations_and_parts_become_a_mapping() -> None:
    run = make_run(steps=100, eval_every=10).blocks
    assert tuning.with_values(run, {"train.steps": 87.3}, where="").train.steps == 90
    assert tuning.with_values(run, {"train.steps": 1.0}, where="").train.steps == 10


def test_a_logit_stands_for_its_share() -> None:
    # the ends that the paper's range comes to
    assert tuning.real("logit", 1.0) == pytest.approx(0.731, abs=1e-3)
    assert tuning.real("logit", 7.0) == pytest.approx(0.99909, abs=1e-5)
    assert tuning.real("log", 7.0) == 7.0
