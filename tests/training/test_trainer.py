"""Stacked training: a run alone is the run in company, a killed job ends with the same bytes,
failures are records.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import TASKS, make_run
from slowpoints import cells
from slowpoints.provenance.records import read_records
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack
from slowpoints.training import job
from slowpoints.training import trainer as train
from slowpoints.training.regulariser import Start
from slowpoints.training.slots import width_for
from slowpoints.training.stack import fresh, network
from slowpoints.training.trainer import Trainer, fit

CPU = torch.device("cpu")


def trainer(runs: list[Run], start: Start | None = None, width: int | None = None) -> Trainer:
    return Trainer(runs, device=CPU, data_dir=Path(), start=start, width=width)


def trained(runs: list[Run], tmp_path: Path, width: int | None = None) -> Trainer:
    made = trainer(runs, width=width)
    fit(made, path=tmp_path / "none.safetensors", key="test")
    return made


@pytest.mark.parametrize("cell", cells.names())
def test_a_run_alone_is_the_run_in_company(cell: str, tmp_path: Path) -> None:
    runs = [make_run(i, net={"cell": cell}, lr=0.01 * (i + 1), clip=float(i)) for i in range(5)]
    together = trained(runs, tmp_path)
    for i in (0, 3):
        alone = trained([runs[i]], tmp_path)
        assert torch.equal(alone.slots.weights[0], together.slots.weights[i])
        assert alone.outcomes[0] == together.outcomes[i]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_every_task_trains_the_same_alone_and_in_company(
    task: dict[str, Any], tmp_path: Path
) -> None:
    runs = [make_run(i, task=task, steps=10) for i in range(3)]
    together, alone = trained(runs, tmp_path), trained(runs[2:], tmp_path)
    assert torch.equal(alone.slots.weights[0], together.slots.weights[2])
    assert together.outcomes[2].curve["loss"][-1] != together.outcomes[1].curve["loss"][-1], (
        "seeds differ"
    )


@pytest.mark.parametrize("cell", ["gru", "lstm", "pru", "intersection_rnn"])
def test_the_number_of_slots_changes_nothing(cell: str, tmp_path: Path) -> None:
    """Runs of different lengths, optimisers and stop times.

    Every slot is handed on at another moment.
    """
    kinds = ("adam", "momentum", "rmsprop", "sgd")
    runs = [
        make_run(
            i,
            net={"cell": cell},
            steps=5 * (i + 1),
            optimizer=kinds[i % 4],
            lr=1e-2 * (i + 1),
            schedule="exponential",
            lr_final=0.1,
            stop_metric="mse",
            stop_below=0.12,
            stop_times=1,
        )
        for i in range(7)
    ]
    whole = trained(runs, tmp_path)
    assert len({own.steps for own in whole.outcomes}) > 3
    for width in (1, 2, 3, 5):
        made = trained(runs, tmp_path, width=width)
        assert torch.equal(made.slots.weights, whole.slots.weights)
        assert made.outcomes == whole.outcomes
        assert {name: value.tolist() for name, value in made.tested().items()} == {
            name: value.tolist() for name, value in whole.tested().items()
        }


FRONT = {"front": "conv", "front_maps": 3, "front_blocks": 2, "front_widths": [6]}


@pytest.mark.parametrize("dataset", ["fashion14", "mnist14"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_run_with_a_front_is_the_same_alone_and_in_company(
    cell: str, dataset: str, tmp_path: Path
) -> None:
    task = {"name": "delayed_classification", "loss": "ce", "n_steps": 8, "dataset": dataset}
    kinds = ("delay_cifar", "vocabulary_cifar", "none")
    runs = [
        make_run(i, task=task, net={"cell": cell} | FRONT, steps=10, curriculum=kinds[i])
        for i in range(3)
    ]
    together = trained(runs, tmp_path)
    begun = fresh(together.net, runs)
    after = together.params
    of_front = [name for name in begun if name.startswith("front.")]
    assert len(of_front) > 2 * FRONT["front_blocks"]
    for name in of_front:
        assert (begun[name] != after[name]).flatten(1).any(1).all(), f"{name} is trained"
    for i in range(3):
        alone = trained([runs[i]], tmp_path)
        assert torch.equal(alone.slots.weights[0], together.slots.weights[i])
        assert alone.outcomes[0] == together.outcomes[i]


def test_runs_with_and_without_a_front_are_told_apart() -> None:
    task = {"name": "delayed_classification", "loss": "ce", "n_steps": 8}
    plain, front = make_run(task=task), make_run(task=task, net=FRONT)
    assert network(plain.task, plain.net).n_seen == 197
    assert network(front.task, front.net).n_seen == 7
    assert fresh(network(plain.task, plain.net), [plain]).keys().isdisjoint({"front.conv0.W"})


def test_the_number_of_slots_follows_the_work_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width_for(10_000_000, CPU) == 1
    assert width_for(1_000_000, CPU) == 8
    assert width_for(10, CPU) == 64
    assert width_for(1_000_000, torch.device("cuda")) == 250
    monkeypatch.setenv("SLOWPOINTS_SLOTS", "2")
    assert width_for(1_000_000, CPU) == 2
    assert trainer([make_run(i) for i in range(3)]).slots.members == [0, 1]


def test_a_checkpoint_made_under_other_circumstances_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """What a record says of engine and precision must hold for all of its training."""
    caplog.set_level("INFO", "slowpoints")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    monkeypatch.setattr(train, "SAVE_EVERY_S", 0.0)
    written(tmp_path, [make_run()], "x")
    assert "left aside" not in caplog.text
    monkeypatch.setattr(job, "engine_of", lambda *_: "another engine")
    written(tmp_path, [make_run()], "x")
    assert "left aside" in caplog.text


def test_a_run_that_ends_hands_its_slot_on_and_the_last_slots_close() -> None:
    made = trainer([make_run(i, steps=steps) for i, steps in enumerate((10, 5, 5, 20))], width=2)
    seen = [list(made.slots.members)]
    while not made.is_done:
        for _ in range(5):
            made.advance()
        made.evaluate()
        seen.append(list(made.slots.members))
    assert seen == [[0, 1], [0, 2], [3], [3], [3], [3], []][: len(seen)]
    assert made.tick == 30


def test_runs_of_different_curricula_share_a_stack(tmp_path: Path) -> None:
    task = {"name": "delayed_classification", "loss": "ce"}
    runs = [
        make_run(0, arm=kind, task=task, steps=10, curriculum=kind)
        for kind in ("none", "delay", "vocabulary")
    ]
    together = trained(runs, tmp_path)
    for i in range(3):
        assert torch.equal(trained([runs[i]], tmp_path).slots.weights[0], together.slots.weights[i])


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("stop", [5, 10, 15])
def test_a_job_that_goes_on_from_a_checkpoint_ends_with_the_same_bytes(
    stop: int, width: int, tmp_path: Path
) -> None:
    runs = [make_run(i, stop_metric="mse", stop_below=0.9, stop_times=2) for i in range(3)]
    whole = trained(runs, tmp_path, width=width)
    first = trainer(runs, width=width)
    while first.tick < stop:
        first.advance()
        if first.tick % 5 == 0:
            first.evaluate()
    first.save(tmp_path / "checkpoint.safetensors", key="test")
    second = trainer(runs, width=width)
    fit(second, path=tmp_path / "checkpoint.safetensors", key="test")
    assert torch.equal(second.slots.weights, whole.slots.weights)
    assert second.outcomes == whole.outcomes


@pytest.mark.parametrize("damage", ["truncated", "flipped", "another plan"])
def test_a_checkpoint_that_cannot_be_trusted_is_left_aside(
    damage: str, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level("INFO", "slowpoints")
    path, runs = tmp_path / "checkpoint.safetensors", [make_run()]
    first = trainer(runs)
    first.advance()
    first.slots.flat.add_(1)  # a state that must not be taken up
    first.save(path, key="old" if damage == "another plan" else "test")
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[:-10])
    if damage == "flipped":
        content[-3] ^= 1
        path.write_bytes(content)
    second = trainer(runs)
    fit(second, path=path, key="test")
    assert "left aside" in caplog.text
    assert torch.equal(second.slots.weights, trained(runs, tmp_path / "other").slots.weights)


def test_a_run_that_diverges_is_an_outcome_and_its_neighbours_never_notice(tmp_path: Path) -> None:
    net = {"cell": "rnn", "activation": "relu"}
    runs = [make_run(i, net=net, lr=1e30 if i == 1 else 0.01, clip=0.0) for i in range(3)]
    together = trained(runs, tmp_path)
    assert [own.outcome for own in together.outcomes] == ["ok", "diverged", "ok"]
    assert torch.equal(trained(runs[2:], tmp_path).slots.weights[0], together.slots.weights[2])


def test_the_stop_rule_counts_looks_in_a_row(tmp_path: Path) -> None:
    never, soon = (
        make_run(stop_metric="mse", stop_below=0.0),
        make_run(1, stop_metric="mse", stop_below=9.0, stop_times=2),
    )
    assert trained([never], tmp_path).outcomes[0].outcome == "budget"
    (stopped,) = trained([soon], tmp_path).outcomes
    assert (stopped.outcome, stopped.steps) == ("ok", 10)


def written(tmp_path: Path, runs: list[Run], name: str) -> Path:
    files = {
        key: tmp_path / f"{name}.{key}" for key in ("plan", "records", "safetensors", "provenance")
    }
    job.run(
        Stack("gru-0-0", "test", runs),
        out=job.Outputs(*files.values()),
        checkpoint=tmp_path / "checkpoint",
        device=CPU,
        data_dir=None,
        torch_build="cpu",
        start=None,
    )
    return files["records"]


def test_the_same_job_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    runs = [make_run(i) for i in range(2)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = written(tmp_path / "a", runs, "x"), written(tmp_path / "b", runs, "x")
    assert first.read_bytes() == second.read_bytes()
    assert (
        first.with_suffix(".safetensors").read_bytes()
        == second.with_suffix(".safetensors").read_bytes()
    )


def test_a_record_says_all_that_its_numbers_depend_on(tmp_path: Path) -> None:
    (record,) = read_records(written(tmp_path, [make_run()], "x"))
    assert record.n_parameters == 3 * (4 * 1 + 16 + 4) + 2 * 5
    assert set(record.facts.digests) == {"plan", "code", "env"}
    assert set(record.metrics) == {"mse", "bit_accuracy", "exact_match"}
    assert record.curve["step"] == [5.0, 10.0, 15.0, 20.0]
    assert (record.outcome, record.steps, record.facts.threads) == ("ok", 20, 1)


def test_asking_for_a_gpu_that_is_not_there_ends_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="set device: cpu"):
        job.device_named("cuda", matmul="float32")
    assert job.device_named("cpu", matmul="float32").type == "cpu"


@pytest.mark.parametrize("net", [{"cell": "gru"}, {"cell": "rnn", "depth": 2}, {"cell": "pru"}])
def test_a_step_laid_out_once_is_the_step_by_derivatives(
    net: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the number of slots changes on the way, and where a batch changes its length."""
    task = {"name": "delayed_classification"}
    runs = [make_run(i, net=net, task=task, steps=20 + 10 * (i % 2), batch=32) for i in range(4)]
    found = []
    for records in ("1", "0"):
        monkeypatch.setenv("SLOWPOINTS_RECORD", records)
        found.append(trained(runs, tmp_path))
    one, other = found
    assert torch.equal(one.slots.weights, other.slots.weights)
    assert one.outcomes == other.outcomes
