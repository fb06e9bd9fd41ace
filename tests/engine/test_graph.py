"""A recorded step: replaying it does what the step does.

CUDA's recording is stood in for by torch's own tracing.

The traced step is a fixed list of operations on fixed tensors, as a CUDA graph is: a number that
Python reads from a tensor, or a Python value that should change from step to step, shows here.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from helpers.plans import TASKS, make_run
from slowpoints.engine import Captured, recurrence
from slowpoints.engine.cpu import optimiser_step
from slowpoints.training.regulariser import Start
from slowpoints.training.slots import Slots
from slowpoints.training.stack import fresh
from slowpoints.training.trainer import Trainer


class Traced(Captured):
    """Records with torch's tracing."""

    def _record(self) -> Any:
        before = [value.clone() for value in self.changes]
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # a tensor made from Python's numbers cannot be recorded
            patch.setattr(torch, "tensor", None)
            traced = make_fx(self.call)(*self.inputs)
        for value, old in zip(self.changes, before, strict=True):
            value.copy_(old)

        class Graph:
            def replay(graph) -> None:
                traced(*self.inputs)

        return Graph()


def trainer(runs: list[dict[str, Any]], start: Start | None = None) -> Trainer:
    return Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=start)


def looked(own: Trainer, *, recorded: bool) -> Slots:
    if recorded:
        changes = [*own.slots.changing(), own.loss_sum]
        own._on_device = [
            Traced(partial(own._step, part), changes=changes) for part in own.slots.parts
        ]
    for _ in range(5):
        own.advance()
    return own.slots


def in_torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (recurrence, optimiser_step):
        monkeypatch.setattr(module, "runs_compiled", lambda *_: False)


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_recorded_step_is_the_step(task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    in_torch_alone(monkeypatch)
    kinds = ("adam", "momentum", "rmsprop")
    runs = [
        make_run(i, task=task, optimizer=kinds[i], schedule="exponential", lr_final=0.1)
        for i in range(3)
    ]
    plain, recorded = (looked(trainer(runs), recorded=way) for way in (False, True))
    assert torch.equal(plain.flat, recorded.flat)
    assert torch.equal(plain.moments.second, recorded.moments.second)


def test_a_recorded_step_with_the_speed_regulariser_is_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_torch_alone(monkeypatch)
    task = {"name": "delayed_classification", "loss": "ce", "n_steps": 8}
    runs = [
        make_run(i, task=task, start="x", start_arm="a", regularise="centres", strength=0.1)
        for i in range(2)
    ]
    net = trainer(runs[:1], None).net
    start = Start(
        fresh(net, runs), torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    )
    plain, recorded = (looked(trainer(runs, start), recorded=way) for way in (False, True))
    assert torch.equal(plain.flat, recorded.flat)


@pytest.mark.parametrize("other", [torch.ones(1), torch.ones(3).double()], ids=["shape", "type"])
def test_a_recording_refuses_what_it_was_not_made_for(other: torch.Tensor) -> None:
    total = torch.zeros(3)

    def step(x: torch.Tensor) -> None:
        total.add_(x)

    recorded = Traced(step, changes=[total])
    recorded(torch.ones(3))
    with pytest.raises(ValueError, match=r"recorded with \[3\] in torch.float32, called with"):
        recorded(other)
    assert total.tolist() == [1, 1, 1]


def test_other_silent_steps_than_recorded_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    in_torch_alone(monkeypatch)
    own = trainer([make_run(0)])
    looked(own, recorded=True)
    feed = own.feed
    monkeypatch.setattr(own, "feed", lambda *given: feed(*given)._replace(silent=7))
    with pytest.raises(RuntimeError, match="recorded with 0 silent steps, called with 7"):
        own.advance()


def test_a_step_that_reads_a_number_back_cannot_be_recorded() -> None:
    total = torch.zeros(1)

    def step(x: torch.Tensor) -> None:
        total.add_(x if bool(x > 0) else -x)

    with pytest.raises(RuntimeError, match="_local_scalar_dense"):
        Traced(step, changes=[total])(torch.ones(1))
