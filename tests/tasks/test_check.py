"""A task file with a mistake is named with what would be right, while planning or before anything
trains.
"""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from helpers.own_parts import writer
from helpers.plans import TASKS, make_run
from slowpoints import tasks
from slowpoints.engine.draws import Draws
from slowpoints.spec import parts
from slowpoints.spec.resolve import resolve
from slowpoints.spec.strict import SpecError
from slowpoints.tasks import TaskError, adding
from slowpoints.training.contract import check_task
from slowpoints.training.trainer import Trainer

FILE = "src/slowpoints/tasks/own.py: "


def own(**functions: Any) -> ModuleType:
    """Return the adding problem as a task `own`, with some functions of its own."""
    module = ModuleType("slowpoints.tasks.own")
    vars(module).update(
        {name: value for name, value in vars(adding).items() if not name.startswith("__")}
        | functions
    )
    return module


def with_fields(**fields: Callable) -> dict[str, Any]:
    """Return functions `sample` and `evaluation` whose batches have changed fields."""

    def sample(s: Any, world: None, **how: Any) -> tasks.Batch:
        batch = adding.sample(s, world, **how)
        return batch._replace(
            **{name: change(getattr(batch, name)) for name, change in fields.items()}
        )

    return {
        "sample": sample,
        "evaluation": lambda s, world, rows, **how: sample(s, world, batch=rows, **how),
    }


SIZES = "where n_in, n_out and n_read are 2, 1 and 1"


def classes(y: torch.Tensor) -> torch.Tensor:
    return torch.full(y.shape[:2], 5)


WRONG = {  # functions, and what is said of them
    "a class that is no output": (
        with_fields(y=classes),
        "sample: y holds 5 to 5; right is the index of an output, 0 to 0",
    ),
    "y without its axis of outputs": (
        with_fields(y=lambda y: y[:, :, 0]),
        "sample: y has shape [3, 1]; right is [3, 1, 1]: [rows, n_read, n_out] for numbers, "
        f"[rows, n_read] for the index of an output, {SIZES}",
    ),
    "y without steps": (
        with_fields(y=lambda y: y[:, 0, 0]),
        "sample: y has shape [3]; right is [3, 1, 1]: ",
    ),
    "indices with an axis too many": (
        with_fields(y=lambda y: y.long()),
        "sample: y has shape [3, 1, 1]; right is [3, 1]: ",
    ),
    "y of another type": (
        with_fields(y=lambda y: y.double()),
        "sample: y has type torch.float64; right is torch.float32 or torch.int64",
    ),
    "x with an input too few": (
        with_fields(x=lambda x: x[:, :, :1]),
        f"sample: x has shape [3, 20, 1]; right is [3, 20, 2]: [rows, steps, n_in], {SIZES}",
    ),
    "x without steps": (
        with_fields(x=lambda x: x[:, 0, 0]),
        "sample: x has shape [3]; right is [3, 1, 2]: ",
    ),
    "weight for every step": (
        with_fields(weight=lambda weight: weight.expand(-1, 20)),
        f"sample: weight has shape [3, 20]; right is [3, 1]: [rows, n_read], {SIZES}",
    ),
    "allowed per row": (
        with_fields(allowed=lambda allowed: allowed.expand(3, 1)),
        "sample: allowed has shape [3, 1]; right is [1]: ",
    ),
    "a tuple": (
        {"sample": lambda *_, **how: (1, 2)},
        "sample returns tuple; right is a slowpoints.tasks.Batch",
    ),
    "other evaluation": (
        {"evaluation": with_fields(y=torch.squeeze)["evaluation"]},
        "evaluation: y has shape [3]; right is [3, 1, 1]: ",
    ),
    "more answers than steps": (
        {"n_read": lambda s: 21}
        | with_fields(y=lambda y: y.expand(3, 21, 1), weight=lambda w: w.expand(3, 21)),
        "sample: 21 answers are read (n_read), but a sequence has 20 steps",
    ),
    "sequences that depend on each other": (
        with_fields(y=lambda y: y - y.mean(0)),
        "sample: y of a run depends on what is drawn beside it; right is that a sequence follows",
    ),
    "one loss for all runs": (
        {"loss_kind": lambda s: None, "loss": lambda s, out, batch: (out - batch.y).mean()},
        "loss has shape [] for 2 runs; right is [2]: one per run",
    ),
    "an unknown measure of a miss": (
        {"loss_kind": lambda s: "absolute"},
        "loss_kind is 'absolute'; right is one of squared, cross_entropy, logistic",
    ),
    "a loss of classes on numbers": (
        {"loss_kind": lambda s: "cross_entropy"},
        "y has type torch.float32 under the loss cross_entropy; right is the index of an output",
    ),
    "a score per row": (
        {"score": lambda s, out, batch: {"mse": (out - batch.y)[:, :, 0, 0] ** 2}},
        "score 'mse' has shape [2, 3] for 2 runs; right is [2]: one per run",
    ),
    "one verdict for all runs": (
        {"solved": lambda s, score: (score["mse"] < 0.01).all()},
        "solved has shape [] for 2 runs; right is [2]: one per run",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_shape_is_named_before_anything_trains(
    mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions, message = WRONG[mistake]
    monkeypatch.setattr(tasks, "load", lambda name: tasks.Task(own(**functions)))
    runs = [make_run(0, task={"name": "adding"})]
    with pytest.raises(TaskError, match=re.escape(FILE + message)):
        Trainer(runs, device=torch.device("cpu"), data_dir=None, start=None)


@pytest.mark.parametrize("block", TASKS, ids=lambda block: block["name"])
def test_every_task_of_the_project_passes(block: dict[str, Any]) -> None:
    run = make_run(0, task=block)
    task, own_settings = tasks.load(block["name"]), run.task.settings
    world = task.world(own_settings, n_parameters=50, rng=Draws([0]), data_dir=None)
    check_task(task, own_settings, world, torch.device("cpu"))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return writer("tasks", tmp_path, monkeypatch)


PARTS = "METRICS, n_in, n_out, sample, score, solved, constant, baseline, loss_kind"
FROM = "from slowpoints.tasks.adding import Settings"
BAD_FILES = {
    f"{FROM}, METRICS, n_in, n_out, sample, score, solved, constant": "lacks baseline, "
    "loss (or loss_kind); define",
    FROM: "lacks METRICS, n_in, n_out, sample, score, solved, constant, baseline, loss (or "
    "loss_kind); define them, or import them from another task",
    f"from slowpoints.tasks.adding import {PARTS}": "lacks class Settings, a frozen dataclass "
    "of its settings",
    f"{FROM}, {PARTS}\nMETRICS = 'mse'": "METRICS: expected the names of what score returns",
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.items())
def test_a_file_that_lacks_something_is_named_while_planning(
    text: str, message: str, written: Callable[[str], None]
) -> None:
    written(text)
    with pytest.raises(SpecError, match=re.escape(FILE + message)):
        resolve({"name": "own"}, {"cell": "gru", "units": 4}, {}, where="test")


def test_functions_may_be_defined_imported_or_assigned(written: Callable[[str], None]) -> None:
    written(f"{FROM}, {PARTS}\nn_steps = n_in\ndef n_out(s): return 3\n")
    assert parts.load("tasks", "own").n_out(None) == 3


@pytest.mark.parametrize("name", tasks.names())
def test_a_task_names_its_metrics(name: str) -> None:
    task = tasks.load(name)
    assert set(task.METRICS) == set(task.baseline(task.Settings()))
