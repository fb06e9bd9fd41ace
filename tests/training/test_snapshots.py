"""Weights kept on the way: at the right steps, whatever the slots and restarts, and apart from the
final ones.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import make_run
from slowpoints.spec.strict import SpecError
from slowpoints.training.stack import load
from slowpoints.training.trainer import Trainer, fit
from training.test_trainer import written


def trained(runs: list[dict[str, Any]], path: Path, width: int) -> Trainer:
    made = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None, width=width)
    fit(made, path=path, key="test")
    return made


def test_what_is_kept_is_the_run_trained_so_far_and_the_last_copy_is_the_end(
    tmp_path: Path,
) -> None:
    runs = [make_run(i, steps=20, snapshots=4) for i in range(3)]
    arrays = trained(runs, tmp_path / "a", 2).arrays()
    for name in ("0.W.candidate", "readout.b"):
        assert torch.equal(arrays[f"history.{name}"][:, -1], arrays[name])
    long = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None)
    for step in range(20):
        long.advance()
        if step % 5 == 4:
            assert torch.equal(
                long.slots.flat, trained(runs, tmp_path / "b", 3).snapshots.kept[:, step // 5]
            )
            long.evaluate()


def test_slots_and_a_restart_change_nothing(tmp_path: Path) -> None:
    runs = [make_run(i, steps=10 * (1 + i % 2), snapshots=2) for i in range(3)]
    whole = trained(runs, tmp_path / "none", 3).snapshots.kept
    assert whole.isfinite().all()
    assert torch.equal(trained(runs, tmp_path / "none", 1).snapshots.kept, whole)
    first = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None, width=2)
    for _ in range(2):
        for _ in range(5):
            first.advance()
        first.evaluate()
    first.save(tmp_path / "checkpoint.safetensors", key="test")
    assert torch.equal(trained(runs, tmp_path / "checkpoint.safetensors", 2).snapshots.kept, whole)


def test_it_is_loaded_beside_the_weights_and_only_where_it_was_wanted(tmp_path: Path) -> None:
    (group,) = load([written(tmp_path, [make_run(i, snapshots=2) for i in range(2)], "kept")])
    assert group.history.keys() == group.params.keys()
    assert group.history["readout.W"].shape == (2, 2, 4, *group.params["readout.W"].shape[2:])
    assert torch.equal(group.history["readout.W"][:, -1], group.params["readout.W"])
    (plain,) = load([written(tmp_path, [make_run(i) for i in range(2)], "plain")])
    assert plain.history == {}


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"snapshots": 3},
            r"steps \(20\) must be a multiple of snapshots \(3\) times eval_every \(5\)",
        ),
        ({"snapshots": -1}, "snapshots"),
        ({"snapshots": 2, "stop_metric": "loss"}, "exclude each other"),
    ],
)
def test_copies_that_would_never_be_made_are_refused(train: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_run(0, **train)
