"""Studies from ask to rerun: records, successive halving, selection on validation data, and kills."""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import make_run
from slowpoints.provenance.records import read_arrays, read_records
from slowpoints.spec.canonical import digest
from slowpoints.training import job
from slowpoints.training.outcome import Fate, hopeless
from slowpoints.training.stack import load
from slowpoints.tuning import study

SPACE = {
    "train.lr": {"kind": "log", "values": [1e-3, 1e-1], "per": "run"},
    "net.keep_bias": {"kind": "uniform", "values": [0.0, 3.0], "per": "run"},
}
TUNE = {"metric": "mse", "goal": "lowest", "trials": 9, "sampler": "gp", "first": 4, "together": 4, "reruns": 2,
        "rungs": [0.25, 0.5], "keep": 0.5, "space": SPACE}  # fmt: skip


def plan(run: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    content = {"experiment": "test", "stack": "gru-00000000-0", "runs": [run or make_run(0)], "tune": TUNE | changes}
    return content | {"digest": digest(content)}


def done(folder: Path, plan: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    out = job.Outputs(*(folder / name for name in ("plan.json", "runs.jsonl", "runs.safetensors", "runs.prov.json")))
    kept, device = folder / "check" / "study.safetensors", torch.device("cpu")
    study.run(plan, out=out, checkpoint=kept, device=device, data_dir=None, torch_build="cpu")
    return read_records(out.records), read_arrays(out.weights)


def test_a_study_is_its_trials_and_the_best_once_more(tmp_path: Path) -> None:
    records, arrays = done(tmp_path, plan())
    phases = [record["sweep"]["phase"] for record in records]
    assert phases == ["trial"] * 9 + ["rerun"] * 2
    assert [record["seed"] for record in records] == [*range(9), 0, 1]
    assert len({record["id"] for record in records}) == 11
    assert {len(value) for value in arrays.values()} == {11}
    assert not list((tmp_path / "check").iterdir())
    for record in records:
        assert record["train"]["lr"] == record["suggested"]["train.lr"]
        assert record["net"]["keep_bias"] == record["suggested"]["net.keep_bias"]
        assert record["tuned"] == {"metric": "mse", "goal": "lowest", "sampler": "gp"}
        assert record["valid"]["mse"] == record["curve"]["mse"][-1]
        assert record["train_loss"] == record["curve"]["loss"][-1]


def test_the_best_on_validation_data_is_trained_again_on_other_seeds(tmp_path: Path) -> None:
    records, arrays = done(tmp_path, plan())
    trials = [r for r in records if r["sweep"]["phase"] == "trial" and r["outcome"] == "ok"]
    best = min(trials, key=lambda record: record["valid"]["mse"])
    reruns = records[-2:]
    assert all(record["suggested"] == best["suggested"] for record in reruns)
    assert len({record["metrics"]["mse"] for record in [best, *reruns]}) == 3
    assert len({arrays["readout.W"][record["row"]].tobytes() for record in [best, *reruns]}) == 3


def test_at_each_rung_the_better_part_of_a_stack_goes_on(tmp_path: Path) -> None:
    records, _ = done(tmp_path, plan())
    for first in (0, 4):
        stack = records[first : first + 4]
        assert sorted(record["steps"] for record in stack) == [5, 5, 10, 20]
        assert sorted(record["outcome"] for record in stack) == ["ok", "stopped", "stopped", "stopped"]
        early = [record["curve"]["mse"][0] for record in stack]
        gone = [value for value, record in zip(early, stack, strict=True) if record["steps"] == 5]
        assert max(set(early) - set(gone)) < min(gone)
    assert records[8]["outcome"] == "ok", "alone in its stack"
    assert {record["steps"] for record in records[-2:]} == {20}, "reruns are never stopped"


def test_without_rungs_every_trial_takes_all_its_steps(tmp_path: Path) -> None:
    records, _ = done(tmp_path, plan(rungs=[], trials=4, reruns=0))
    assert [record["steps"] for record in records] == [20] * 4


def fates(*values: float) -> dict[int, Fate]:
    return {i: Fate(curve={"mse": [value]}) for i, value in enumerate(values)}


def test_those_who_go_on_are_the_best_of_equals_the_first() -> None:
    rule = {"rungs": [0.5], "keep": 0.5, "metric": "mse", "goal": "lowest"}
    assert hopeless(fates(3, 1, 2, 4), rule, share=0.5) == [0, 3]
    assert hopeless(fates(3, 1, 2, 4), rule | {"goal": "highest"}, share=0.5) == [2, 1]
    assert hopeless(fates(1, 1, 1, 1), rule, share=0.5) == [2, 3]
    assert hopeless(fates(3, 1, 2, 4), rule, share=0.4) == []
    assert hopeless(fates(1), rule | {"keep": 0.1}, share=0.5) == [], "one goes on"


def record(value: float, outcome: str = "ok", phase: str = "trial") -> dict[str, Any]:
    return {"outcome": outcome, "valid": {"mse": value}, "sweep": {"phase": phase}}


def test_a_stopped_or_diverged_trial_is_best_only_if_there_is_no_other() -> None:
    full, stopped, lost = record(0.5), record(0.1, "stopped"), record(float("nan"), "diverged")
    assert study.best_of([lost, stopped, full], TUNE) is full
    assert study.best_of([lost, stopped], TUNE) is stopped
    assert study.best_of([lost], TUNE) is lost
    assert study.best_of([record(0.2), record(0.1)], TUNE | {"goal": "highest"})["valid"]["mse"] == 0.2


def test_a_stopped_trial_is_told_with_the_gain_of_those_that_went_on() -> None:
    def trial(outcome: str, *curve: float) -> dict[str, Any]:
        steps = [5.0 * (i + 1) for i in range(len(curve))]
        own = record(curve[-1], outcome) | {"steps": steps[-1], "curve": {"step": steps, "mse": list(curve)}}
        return own

    records = [
        trial("ok", 0.9, 0.6, 0.3),
        trial("ok", 0.7, 0.6, 0.5),
        trial("stopped", 0.8),
        trial("stopped", 1.0, 0.9),
    ]
    told = [study.extrapolated(own, records, TUNE) for own in records]
    assert told == pytest.approx([0.3, 0.5, 0.8 - 0.4, 0.9 - 0.2])
    assert study.extrapolated(records[2], records[2:], TUNE) == 0.8
    assert study.extrapolated(record(0.0, "diverged"), records, TUNE) is None


def test_a_diverged_trial_is_a_record_and_the_study_goes_on(tmp_path: Path) -> None:
    wild = {"train.lr": {"kind": "log", "values": [1e-3, 1e30], "per": "run"}}
    records, _ = done(tmp_path, plan(make_run(0, optimizer="sgd", clip=0.0), space=wild))
    assert len(records) == 11
    lost = [record for record in records if record["outcome"] == "diverged"]
    assert lost
    assert lost[0]["metrics"]["mse"] is None
    assert records[-1]["outcome"] == "ok"


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
    space = SPACE | {"net.activation": {"kind": "choice", "values": ["tanh", "relu"], "per": "run"}}
    records, _ = done(tmp_path, plan(make_run(0, net={"cell": "rnn"}), space=space))
    groups = load([tmp_path / "runs.jsonl"])
    assert {record["net"]["activation"] for record in records} == {"tanh", "relu"}
    assert sorted(len(group.records) for group in groups) == sorted(
        sum(record["net"]["activation"] == kind for record in records) for kind in ("tanh", "relu")
    )
    for group in groups:
        assert len({record["net"]["activation"] for record in group.records}) == 1
        assert len(group.params["readout.W"]) == len(group.records)
