"""What goes wrong in one run harms no other; clocks and threads of the machine change no result."""

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import one_job
from helpers.plans import make_run
from slowpoints.engine import Standing, recurrence
from slowpoints.engine.cpu import optimiser_step
from slowpoints.provenance.files import read_json
from slowpoints.training.trainer import Trainer, fit
from training.test_trainer import trained, trainer, written


def poison_weights(own: Trainer, _: pytest.MonkeyPatch) -> None:
    own.slots.flat[1, 3] = torch.nan


def poison_gradients(own: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are differentiated, and where a step was laid out beforehand."""

    def grad(*words: Any) -> tuple[torch.Tensor, ...]:
        return poisoned(tuple(value.clone() for value in GRAD(*words)))

    def gradients(own: Standing, *words: Any) -> torch.Tensor:
        loss = CALL(own, *words)
        poisoned(tuple(own.grads.values()))
        return loss

    def poisoned(found: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        if len(found[0]) == 3:  # run 1 has not ended yet
            found[0][1] = torch.nan
        return found

    monkeypatch.setattr(torch.autograd, "grad", grad)
    monkeypatch.setattr(Standing, "__call__", gradients)


def poison_inputs(own: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = own.feed._drawn

    def poisoned(cells: list[tuple[int, int]]) -> Any:
        batch = drawn(cells)
        batch.x[[run == 1 for run, _ in cells]] = torch.nan
        return batch

    monkeypatch.setattr(own.feed, "_drawn", poisoned)
    own.feed.pool = None


GRAD, CALL = torch.autograd.grad, Standing.__call__


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("poison", [poison_weights, poison_gradients, poison_inputs])
def test_not_a_number_in_one_run_harms_no_neighbour(
    poison: Any, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "eager":
        for module in (recurrence, optimiser_step):
            monkeypatch.setattr(module, "runs_compiled", lambda *_: False)
    runs = [make_run(i, task={"name": "adding", "n_steps": 6}) for i in range(3)]
    alone = trained([runs[0]], tmp_path), trained([runs[2]], tmp_path)
    together = trainer(runs)
    for _ in range(5):
        together.advance()
    together.evaluate()
    poison(together, monkeypatch)
    fit(together, path=tmp_path / "none", key="test")
    assert [own.outcome for own in together.outcomes] == ["ok", "diverged", "ok"]
    for run, own in zip((0, 2), alone, strict=True):
        assert torch.equal(together.slots.weights[run], own.slots.weights[0])
        assert together.outcomes[run] == own.outcomes[0]
        assert together.tested()["mse"][run] == own.tested()["mse"][0]


def test_a_clock_that_jumps_changes_nothing_but_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    runs = [make_run(i) for i in range(2)]
    steady = written(tmp_path / "a", runs, "x")
    jumps = itertools.cycle((2e9, 0.0, 1e9))
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    jumping = written(tmp_path / "b", runs, "x")
    assert jumping.read_bytes() == steady.read_bytes()
    assert (
        jumping.with_suffix(".safetensors").read_bytes()
        == steady.with_suffix(".safetensors").read_bytes()
    )
    assert 0 <= read_json(jumping.with_suffix(".provenance"))["wall_s"] < 60


def test_the_number_of_threads_in_the_surroundings_changes_nothing(tmp_path: Path) -> None:
    for threads in ("1", "4"):
        done = one_job.call(tmp_path / threads, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
        assert done.returncode == 0, done.stderr
    for name in ("x.records", "x.weights"):
        assert (tmp_path / "4" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
