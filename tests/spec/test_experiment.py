"""Experiment files: resolution, sweeps, and mistakes that are found while planning."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slowpoints.plan.stacks import stacks
from slowpoints.spec.experiment import load
from slowpoints.spec.strict import SpecError

BASE: dict[str, Any] = {
    "paper": "long2016",
    "question": "?",
    "task": {"name": "memorization", "n_targeted": 2, "n_interfering": 3},
    "net": {"cell": "gru", "units": 4},
    "train": {"steps": 100, "batch": 32, "lr": 0.1},
    "arms": {"gru": {"net.cell": "gru"}, "pru": {"net.cell": "pru", "net.output_map": "identity"}},
    "sweep": {"task.n_targeted": [1, 2], "train.lr": [0.1, 0.2]},
    "seeds": 3,
    "seeds_per_stack": 2,
    "analyses": ["outcomes"],
    "scales": {"smoke": {"train.steps": 200, "seeds": 2}, "laptop": {}},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "example.yaml"
    path.write_text(yaml.safe_dump(BASE | changes))
    return path


def test_runs_are_arms_times_sweep_points_times_seeds(tmp_path: Path) -> None:
    found = load(written(tmp_path), scale="laptop")
    assert len(found.runs) == len({run.id for run in found.runs}) == 2 * 4 * 3
    run = next(r for r in found.runs if r.id == "example/pru/n_targeted=1,lr=0.2/2")
    assert (run.net.cell, run.net.own.output_map, run.task.settings.n_targeted, run.train.lr) == (
        "pru",
        "identity",
        1,
        0.2,
    )
    assert run.train.clip == 1.0, "defaults are filled in"


def test_a_scale_overrides_the_base_and_arms_override_the_scale(tmp_path: Path) -> None:
    arms = {"gru": {"train.steps": 700}, "pru": {"net.cell": "pru"}}
    found = load(written(tmp_path, arms=arms), scale="smoke")
    assert {r.arm: r.train.steps for r in found.runs} == {"gru": 700, "pru": 200}
    assert {r.seed for r in found.runs} == {0, 1}


def test_units_in_a_sweep_replace_a_budget_in_the_base(tmp_path: Path) -> None:
    changes = {"net": {"cell": "gru", "budget": 100}, "sweep": {"net.units": [2, 3]}}
    assert {r.net.units for r in load(written(tmp_path, **changes), scale="laptop").runs} == {2, 3}


def test_networks_that_start_differently_share_a_stack(tmp_path: Path) -> None:
    scales = [0.5, {"gate": 1.2}, {"gate": 0.3, "candidate": 2}]
    changes = {"arms": {"a": {"net.cell": "ugrnn"}}, "seeds": 1}
    changes["sweep"] = {"net.recurrent_scale": scales, "net.bias_init": ["normal", "constant"]}
    (stack,) = stacks(load(written(tmp_path, **changes), scale="laptop"))
    assert [run.net.recurrent_scale for run in stack.runs[:3]] == scales
    assert len({run.id for run in stack.runs}) == 6


def test_stacks_hold_runs_of_one_shape_and_a_block_of_seeds(tmp_path: Path) -> None:
    found = stacks(load(written(tmp_path), scale="laptop"))
    assert len(found) == 2 * 2 * 2, (
        "cells x lengths x blocks of seeds; learning rates share a stack"
    )
    for stack in found:
        assert len({(r.net.cell, r.task.settings.n_targeted) for r in stack.runs}) == 1
        assert {r.train.lr for r in stack.runs} == {0.1, 0.2}


def test_more_seeds_mean_more_stacks_and_leave_the_old_ones_alone(tmp_path: Path) -> None:
    few = {s.name: s.digest for s in stacks(load(written(tmp_path, seeds=2), scale="laptop"))}
    many = {s.name: s.digest for s in stacks(load(written(tmp_path, seeds=4), scale="laptop"))}
    assert set(few) < set(many)
    assert {name: many[name] for name in few} == few


MISTAKES = [
    ({"sedes": 1}, "unknown key 'sedes'; did you mean 'seeds'"),
    ({"train": {"steps": 100, "batch": 50, "lr": 0.1}}, "batch must be a multiple of 32"),
    (
        {"train": {"steps": 250, "batch": 32, "lr": 0.1}},
        "steps must be a multiple of eval_every, found 250 and 100",
    ),
    ({"seeds": "3"}, "expected int"),
    ({"seeds": 0}, "seeds: expected a whole number"),
    (
        {"task": {"name": "memorisation"}},
        "task.name: unknown task 'memorisation'; did you mean 'memorization'",
    ),
    ({"task": {"name": "memorization", "n_targeted": [1, 2]}}, "only under 'sweep'"),
    ({"task": {"name": "memorization", "n_targeted": 0}}, "must be at least 1"),
    ({"net": {"cell": "gru"}}, "exactly one of units"),
    ({"net": {"cell": "gruu", "units": 2}, "arms": {"a": {}}}, "unknown cell 'gruu'"),
    (
        {"arms": {"a": {"net.cell": "gru", "net.output_map": "identity"}}},
        "unknown key 'output_map'",
    ),
    (
        {"arms": {"a": {"net.cell": "rnn", "net.recurrent_init": "identity"}}},
        "identity is not for rnn: that is .* irnn",
    ),
    (
        {"arms": {"a": {"net.recurrent_scale": {"gate": "big"}}}},
        r"net.recurrent_scale.gate: expected float",
    ),
    ({"arms": {"a": {"net.units.x": 3}}}, "unknown key 'net.units.x'"),
    ({"arms": {"a": 3}}, "expected a mapping of overrides"),
    (
        {"train": {"steps": 100, "batch": 32, "lr": "1e-3"}, "sweep": {}},
        "such as 0.001 or 1.0e-3, or quote it",
    ),
    ({"sweep": {"task.n_targeted": 3}}, "expected a list of values"),
    ({"sweep": {"task.n_targeted": [3, 3]}}, "listed twice"),
    ({"analyses": ["outcome"]}, "unknown analysis 'outcome'; did you mean 'outcomes'"),
    ({"analyses": ["longevity"]}, "longevity reads the table of"),
    ({"scales": {"labtop": {}}}, "unknown scale 'labtop'; did you mean 'laptop'"),
    ({"scales": {"paper": {}}}, "no settings for 'laptop'"),
    ({"scales": {"laptop": {"arms": ["lstm"]}}}, "unknown arm 'lstm'"),
    (
        {"task": {"name": "delayed_classification", "n_steps": 4, "delay_min": 4}, "sweep": {}},
        "n_used_steps is 4; must be at least delay_min",
    ),
    (
        {"task": {"name": "delayed_classification", "dataset": "mnist15"}, "sweep": {}},
        "unknown value 'mnist15'",
    ),
    (
        {"net": {"cell": "gru", "units": 4, "front": "conv"}},
        r"net.front: task memorization shows no frames",
    ),
    (
        {
            "task": {"name": "delayed_classification"},
            "sweep": {},
            "arms": {"a": {"net.front_blocks": 4}},
            "net": {"cell": "gru", "units": 4, "front": "conv"},
        },
        "net.front_blocks: at most 3 for frames of 14 by 14 pixels, found 4",
    ),
    ({"net": {"cell": "gru", "units": 4, "front": "cnn"}}, "unknown value 'cnn'"),
    (
        {"net": {"cell": "gru", "units": 4, "front_maps": 0}},
        "front_maps must be at least 1, found 0",
    ),
    (
        {"net": {"cell": "gru", "units": 4, "front_widths": [8, 0]}},
        r"front_widths must be at least 1, found \(8, 0\)",
    ),
    (
        {"train": {"steps": 100, "batch": 32, "lr": 0.1, "drop_at": 1.5}},
        r"drop_at must lie in \[0, 1\], found 1.5",
    ),
]


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_every_mistake_names_file_and_remedy(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message) as error:
        load(written(tmp_path, **changes), scale="laptop")
    assert "example.yaml" in str(error.value)


def test_an_unknown_scale_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"unknown scale 'labtop'.*laptop, night, paper, smoke"):
        load(written(tmp_path), scale="labtop")
