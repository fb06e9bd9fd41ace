"""Every planned cell and task is tried: two networks together must be each alone."""

from dataclasses import replace

import pytest
import torch

from helpers.plans import make_run
from slowpoints import tasks
from slowpoints.cells.definition import Bundle, cell
from slowpoints.plan import dag
from slowpoints.tasks import adding
from slowpoints.training.check import ContractError, check_parts


def test_every_cell_and_task_of_the_smoke_scale_passes() -> None:
    runs = [run for own in dag.experiments("smoke").values() for run in own.conditions]
    tried = check_parts(runs)
    assert {own.name for own in tried if own.kind == "cell"} == {run.net.cell for run in runs}
    assert {own.name for own in tried if own.kind == "task"} == {run.task.name for run in runs}
    assert [own.note for own in tried if own.note] == []


def test_a_task_whose_loss_mixes_networks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(s: adding.Settings, out: torch.Tensor, batch: tasks.Batch) -> torch.Tensor:
        return own(s, out - out.mean(), batch)  # the mean over all networks

    own = tasks.load("adding").minimised
    monkeypatch.setattr(adding, "loss_kind", lambda s: None)
    monkeypatch.setattr(adding, "loss", mixed, raising=False)
    with pytest.raises(ContractError, match=r"adding\) is not that of each alone"):
        check_parts([make_run(task={"name": "adding"})])


def test_a_task_whose_loss_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "loss_kind", lambda s: None)
    failing = lambda s, out, batch: (out[..., :0] - batch.y).sum((1, 2, 3)).log() + 1j  # noqa: E731
    monkeypatch.setattr(adding, "loss", failing, raising=False)
    with pytest.raises(ContractError, match=r"cells/gru\.py: a step of gru on adding fails: "):
        check_parts([make_run(task={"name": "adding"})])


def test_a_cell_that_mixes_units_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    from slowpoints.cells import gru

    @cell(streams=("update",))
    def mixing(p: Bundle, s: Bundle) -> tuple[torch.Tensor]:
        return (torch.tanh(p.update - s.h.mean(-1, keepdim=True)),)

    monkeypatch.setattr(gru, "build", lambda settings: mixing)
    tried = check_parts([replace(make_run(task={"name": "adding"}))])
    assert [own.note for own in tried] == ["mixes units: its Jacobian is found by autograd", ""]


def test_what_needs_data_that_do_not_ship_is_said() -> None:
    tried = check_parts(
        [make_run(task={"name": "delayed_classification", "dataset": "cifar10"}, net={"units": 2})]
    )
    assert all("data that do not ship" in own.note for own in tried)
