"""Studies from ask to rerun: records, successive halving, selection on validation data,
and kills.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import make_record, make_run
from slowpoints.provenance.record import OfStudy, Record
from slowpoints.provenance.records import read_arrays, read_records
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack
from slowpoints.spec.tuning import Distribution, Study
from slowpoints.training import job
from slowpoints.training.outcome import Outcome, hopeless
from slowpoints.training.stack import load
from slowpoints.tuning import study

STUDY = Study(
    metric="mse",
    goal="lowest",
    trials=9,
    sampler="gp",
    first=4,
    together=4,
    rungs=(0.25, 0.5),
    keep=0.5,
    reruns=2,
    space={
        "train.lr": Distribution("log", (1e-3, 1e-1)),
        "net.keep_bias": Distribution("uniform", (0.0, 3.0)),
    },
)


def plan(run: Run | None = None, **changes: Any) -> Stack:
    return Stack("gru-00000000-0", "test", [run or make_run(0)], replace(STUDY, **changes))


def done(
    folder: Path, plan: Stack, *, before: Path | None = None
) -> tuple[list[Record], dict[str, Any]]:
    out = job.Outputs(
        *(
            folder / name
            for name in ("plan.json", "runs.jsonl", "runs.safetensors", "runs.prov.json")
        )
    )
    kept, device = folder / "check" / "study.safetensors", torch.device("cpu")
    common: dict[str, Any] = {"data_dir": None, "torch_build": "cpu", "before": before}
    study.run(plan, out=out, checkpoint=kept, device=device, **common)
    return read_records(out.records), read_arrays(out.weights)


def test_a_study_is_its_trials_and_the_best_once_more(tmp_path: Path) -> None:
    records, arrays = done(tmp_path, plan())
    phases = [record.run.sweep["phase"] for record in records]
    assert phases == ["trial"] * 9 + ["rerun"] * 2
    assert [record.run.seed for record in records] == [*range(9), 0, 1]
    assert len({record.id for record in records}) == 11
    assert {len(value) for value in arrays.values()} == {11}
    assert not list((tmp_path / "check").iterdir())
    for record in records:
        assert record.train.lr == record.run.suggested["train.lr"]
        assert record.net.keep_bias == record.run.suggested["net.keep_bias"]
        assert record.told.tuned == {"metric": "mse", "goal": "lowest", "sampler": "gp"}
        assert record.told.valid["mse"] == record.curve["mse"][-1]
        assert record.told.train_loss == record.curve["loss"][-1]


def test_the_best_on_validation_data_is_trained_again_on_other_seeds(tmp_path: Path) -> None:
    records, arrays = done(tmp_path, plan())
    trials = [r for r in records if r.run.sweep["phase"] == "trial" and r.outcome == "ok"]
    best = min(trials, key=lambda record: record.told.valid["mse"])
    reruns = records[-2:]
    assert all(record.run.suggested == best.run.suggested for record in reruns)
    assert len({record.metrics["mse"] for record in [best, *reruns]}) == 3
    assert len({arrays["readout.W"][record.row].tobytes() for record in [best, *reruns]}) == 3


def test_at_each_rung_the_better_part_of_a_stack_goes_on(tmp_path: Path) -> None:
    records, _ = done(tmp_path, plan())
    for first in (0, 4):
        stack = records[first : first + 4]
        assert sorted(record.steps for record in stack) == [5, 5, 10, 20]
        assert sorted(record.outcome for record in stack) == ["ok", "stopped", "stopped", "stopped"]
        early = [record.curve["mse"][0] for record in stack]
        gone = [value for value, record in zip(early, stack, strict=True) if record.steps == 5]
        assert max(set(early) - set(gone)) < min(gone)
    assert records[8].outcome == "ok", "alone in its stack"
    assert {record.steps for record in records[-2:]} == {20}, "reruns are never stopped"


def test_a_study_that_follows_another_tries_its_best_first_and_then_around_it(
    tmp_path: Path,
) -> None:
    plan_before = plan(trials=4, reruns=0)
    before, _ = done(tmp_path / "before", plan_before)
    best = study.best_of(before, replace(STUDY, trials=4))
    records, _ = done(tmp_path, plan(), before=tmp_path / "before" / "runs.jsonl")
    first = [record.run.suggested for record in records[: STUDY.first]]
    assert best.run.suggested is not None
    assert first[0] == pytest.approx(best.run.suggested)
    spread = [abs(own["net.keep_bias"] - first[0]["net.keep_bias"]) for own in first if own]
    assert 0 < max(spread) <= 1.5, "half of the dimension, [0, 3]"


def test_without_rungs_every_trial_takes_all_its_steps(tmp_path: Path) -> None:
    records, _ = done(tmp_path, plan(rungs=(), trials=4, reruns=0))
    assert [record.steps for record in records] == [20] * 4


def outcomes(*values: float) -> dict[int, Outcome]:
    return {i: Outcome(curve={"mse": [value]}) for i, value in enumerate(values)}


def test_those_who_go_on_are_the_best_of_equals_the_first() -> None:
    rule = replace(STUDY, rungs=(0.5,))
    assert hopeless(outcomes(3, 1, 2, 4), rule, share=0.5) == [0, 3]
    assert hopeless(outcomes(3, 1, 2, 4), replace(rule, goal="highest"), share=0.5) == [2, 1]
    assert hopeless(outcomes(1, 1, 1, 1), rule, share=0.5) == [2, 3]
    assert hopeless(outcomes(3, 1, 2, 4), rule, share=0.4) == []
    assert hopeless(outcomes(1), replace(rule, keep=0.1), share=0.5) == [], "one goes on"


def record(value: float, outcome: str = "ok", **given: Any) -> Record:
    run, told = replace(make_run(), sweep={"phase": "trial"}), OfStudy({"mse": value}, None, {})
    return make_record(run, outcome=outcome, study=told, **given)


def test_a_stopped_or_diverged_trial_is_best_only_if_there_is_no_other() -> None:
    full, stopped, lost = record(0.5), record(0.1, "stopped"), record(float("nan"), "diverged")
    assert study.best_of([lost, stopped, full], STUDY) is full
    assert study.best_of([lost, stopped], STUDY) is stopped
    assert study.best_of([lost], STUDY) is lost
    assert (
        study.best_of([record(0.2), record(0.1)], replace(STUDY, goal="highest")).told.valid["mse"]
        == 0.2
    )


def test_a_stopped_trial_is_told_with_the_gain_of_those_that_went_on() -> None:
    def trial(outcome: str, *curve: float) -> Record:
        steps = [5.0 * (i + 1) for i in range(len(curve))]
        return record(
            curve[-1], outcome, steps=steps[-1], curve={"step": steps, "mse": list(curve)}
        )

    records = [
        trial("ok", 0.9, 0.6, 0.3),
        trial("ok", 0.7, 0.6, 0.5),
        trial("stopped", 0.8),
        trial("stopped", 1.0, 0.9),
    ]
    told = [study.extrapolated(own, records, STUDY) for own in records]
    assert told == pytest.approx([0.3, 0.5, 0.8 - 0.4, 0.9 - 0.2])
    assert study.extrapolated(records[2], records[2:], STUDY) == 0.8
    assert study.extrapolated(record(0.0, "diverged"), records, STUDY) is None


def test_a_diverged_trial_is_a_record_and_the_study_goes_on(tmp_path: Path) -> None:
    wild = {"train.lr": Distribution("log", (1e-3, 1e30))}
    records, _ = done(tmp_path, plan(make_run(0, optimizer="sgd", clip=0.0), space=wild))
    assert len(records) == 11
    lost = [record for record in records if record.outcome == "diverged"]
    assert lost
    assert lost[0].metrics["mse"] is None
    assert records[-1].outcome == "ok"


class Killed(Exception):
    """In place of a kill: nothing after it runs."""


@pytest.mark.parametrize("last", [0, 1, 2, 3, 5, 6])
def test_a_study_killed_anywhere_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    whole = done(tmp_path / "whole", plan())
    saves = iter(range(100))

    def save(*args: Any, key: str) -> None:
        kept(*args, key=key)
        if next(saves) == last:
            raise Killed

    kept = study.checkpoints.save
    monkeypatch.setattr("slowpoints.training.trainer.SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(study.checkpoints, "save", save)
    with pytest.raises(Killed):
        done(tmp_path / "cut", plan())
    monkeypatch.setattr(study.checkpoints, "save", kept)
    records, arrays = done(tmp_path / "cut", plan())
    assert records == whole[0]
    assert {name: value.tobytes() for name, value in arrays.items()} == {
        name: value.tobytes() for name, value in whole[1].items()
    }


def test_networks_of_one_study_may_differ_in_shape_and_are_loaded_by_it(tmp_path: Path) -> None:
    space = STUDY.space | {"net.activation": Distribution("choice", ("tanh", "relu"))}
    records, _ = done(tmp_path, plan(make_run(0, net={"cell": "rnn"}), space=space))
    groups = load([tmp_path / "runs.jsonl"])
    assert {record.net.own.activation for record in records} == {"tanh", "relu"}
    assert sorted(len(group.records) for group in groups) == sorted(
        sum(record.net.own.activation == kind for record in records) for kind in ("tanh", "relu")
    )
    for group in groups:
        assert len({record.net.own.activation for record in group.records}) == 1
        assert len(group.params["readout.W"]) == len(group.records)
