"""What every cell and every task of a plan must be: tried before anything trains on them."""

from typing import Any

import torch
from torch import Tensor

from slowpoints.engine.draws import Draws
from slowpoints.spec.parts import file_of
from slowpoints.tasks import LOSSES, Batch, Task, TaskError, stacked

ROWS = 3  # of the batches that are checked
NUMBERS = (torch.float32,)
FIELDS = {  # of a batch: the types it may have, and the meaning of its shape
    "x": (NUMBERS, "[rows, steps, n_in]"),
    "y": (
        (torch.float32, torch.long),
        "[rows, n_read, n_out] for numbers, [rows, n_read] for the index of an output",
    ),
    "weight": (NUMBERS, "[rows, n_read]"),
    "allowed": ((torch.bool,), "[n_out]"),
}


def check_task(task: Task, settings: Any, world: Any, device: torch.device) -> None:
    """Refuse a task whose batches, loss or scores have the wrong shapes, before anything trains on
    them.

    The batches come from a random stream of their own, so that no result depends on them.
    """
    file, rng = file_of("tasks", task.name), Draws([0], device=device)
    _check_constant(task, settings, file=file)
    train = task.sample(settings, world, batch=ROWS, split="train", rng=rng)
    _check_batch(task, settings, train, rows=ROWS, of=f"{file}: sample")
    _check_streams(task, settings, world, device=device, of=f"{file}: sample")
    valid = task.evaluation(settings, world, rows=ROWS, split="valid", rng=rng)
    _check_batch(task, settings, valid, rows=None, of=f"{file}: evaluation")
    kind = task.loss_kind(settings)
    if kind not in (None, *LOSSES):
        raise TaskError(f"{file}: loss_kind is {kind!r}; right is one of {', '.join(LOSSES)}")
    if kind is not None and (kind == "cross_entropy") != (train.y.dtype == torch.long):
        raise TaskError(
            f"{file}: y has type {train.y.dtype} under the loss {kind}; right is the index of an "
            "output for cross_entropy, numbers for the others"
        )
    both = stacked([train, train])
    out = torch.zeros(2, ROWS, task.n_read(settings), task.n_out(settings), device=device)
    score = task.score(settings, out, both)
    if set(score) != set(task.METRICS):
        raise TaskError(
            f"{file}: score returns {', '.join(score)}; METRICS says {', '.join(task.METRICS)}"
        )
    found = {
        "loss": task.minimised(settings, out, both),
        **{f"score {name!r}": value for name, value in score.items()},
    }
    for name, value in (found | {"solved": task.solved(settings, score)}).items():
        if tuple(value.shape) != (2,):
            raise TaskError(
                f"{file}: {name} has shape {list(value.shape)} for 2 runs; right is [2]: "
                "one per run"
            )


def _check_batch(task: Task, settings: Any, batch: Any, *, rows: int | None, of: str) -> None:
    """Refuse a batch whose fields have other shapes than n_in, n_out and n_read say.

    rows: None for any number
    """
    if not isinstance(batch, Batch):
        raise TaskError(f"{of} returns {type(batch).__name__}; right is a slowpoints.tasks.Batch")
    n_in, n_out, n_read = task.n_in(settings), task.n_out(settings), task.n_read(settings)
    rows = len(batch.x) if rows is None else rows
    steps = batch.x.shape[1] if batch.x.ndim > 1 else n_read
    right = {
        "x": (rows, steps, n_in),
        "y": (rows, n_read, n_out),
        "weight": (rows, n_read),
        "allowed": (n_out,),
    }
    if batch.y.dtype == torch.long:
        right["y"] = (rows, n_read)
    for name, (types, meaning) in FIELDS.items():
        field: Tensor = getattr(batch, name)
        if tuple(field.shape) != right[name]:
            raise TaskError(
                f"{of}: {name} has shape {list(field.shape)}; right is {list(right[name])}: "
                f"{meaning}, "
                f"where n_in, n_out and n_read are {n_in}, {n_out} and {n_read}"
            )
        if field.dtype not in types:
            raise TaskError(
                f"{of}: {name} has type {field.dtype}; right is {' or '.join(map(str, types))}"
            )
    if batch.y.dtype == torch.long and not 0 <= int(batch.y.min()) <= int(batch.y.max()) < n_out:
        raise TaskError(
            f"{of}: y holds {int(batch.y.min())} to {int(batch.y.max())}; right is the index of an "
            f"output, 0 to {n_out - 1}"
        )
    if batch.n_steps < n_read:
        raise TaskError(
            f"{of}: {n_read} answers are read (n_read), but a sequence has {batch.n_steps} steps"
        )


def _check_streams(task: Task, settings: Any, world: Any, *, device: torch.device, of: str) -> None:
    """Refuse a task whose sequences depend on what is drawn for other runs beside them."""

    def drawn(*keys: int) -> Batch:
        """Return the batch of some streams, `ROWS` sequences of each."""
        rows, rng = ROWS * len(keys), Draws(keys, device=device)
        return task.sample(settings, world, batch=rows, split="train", rng=rng)

    alone, together = [drawn(key) for key in (1, 2)], drawn(1, 2)
    for name in ("x", "y", "weight"):
        wanted = torch.cat([getattr(batch, name) for batch in alone])
        if not torch.equal(getattr(together, name), wanted):
            raise TaskError(
                f"{of}: {name} of a run depends on what is drawn beside it; right is that a "
                "sequence follows from its own draws: `rng.random(batch, ...)` gives each its own"
            )


def _check_constant(task: Task, settings: Any, *, file: str) -> None:
    """Refuse a constant answer, or its score, of another shape than an answer has."""
    constant = task.constant(settings)
    baseline = task.baseline(settings)
    n_out = task.n_out(settings)
    if tuple(constant.shape) != (n_out,):
        raise TaskError(
            f"{file}: constant has shape {list(constant.shape)}; right is [{n_out}]: [n_out]"
        )
    if set(baseline) != set(task.METRICS):
        raise TaskError(
            f"{file}: baseline gives {', '.join(baseline)}; METRICS says {', '.join(task.METRICS)}"
        )
