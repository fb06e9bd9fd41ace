"""What is to be remembered: one file per task; the file name is the name used in an experiment."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from slowpoints.errors import SlowpointsError

Split = Literal["train", "valid", "test"]


class TaskError(SlowpointsError):
    """A task whose functions return what no network can be trained on: the file, what it returns, what is right."""


class Batch(NamedTuple):
    """Sequences and what is asked in their last T_y steps. In a stack every field of numbers leads with M."""

    x: Tensor  # [B, T_x, I]
    y: Tensor  # [B, T_y, O] numbers wanted, or [B, T_y] index of the output wanted
    weight: Tensor  # [B, T_y] how much each answer counts; rows of zeros are padding
    allowed: Tensor  # [O] outputs that are in use
    silent: int = 0  # steps after the T_x given ones, at which the input is zero

    @property
    def n_steps(self) -> int:
        """Return the length of the sequences, silent steps included."""
        return self.x.shape[-2] + self.silent

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(self.x.to(device), self.y.to(device), self.weight.to(device), self.allowed.to(device), self.silent)


def names() -> list[str]:
    """Return the known tasks: the public files of this folder, sorted."""
    return sorted(file.stem for folder in __path__ for file in Path(folder).glob("[!_]*.py"))


def load(name: str) -> ModuleType:
    """Return the module defining task `name`."""
    if name not in names():
        raise KeyError(f"unknown task {name!r}; known: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def stacked(batches: Sequence[Batch]) -> Batch:
    """Return the batches of M runs as one, M first; shorter ones are filled up with rows of weight zero."""
    rows = max(len(batch.x) for batch in batches)
    fields: list[Any] = list(zip(*batches, strict=True))
    x, y, weight = (torch.stack([_filled(part, rows) for part in parts]) for parts in fields[:3])
    return Batch(x, y, weight, torch.stack([batch.allowed for batch in batches]), batches[0].silent)


def _filled(part: Tensor, rows: int) -> Tensor:
    """Return `part` with rows of zeros appended up to `rows`.    part: [B, ...] -> [rows, ...]"""
    missing = rows - len(part)
    return torch.cat([part, part.new_zeros(missing, *part.shape[1:])]) if missing else part


ROWS = 3  # of the batches that are checked
NUMBERS = (torch.float32,)
FIELDS = {  # of a batch: the types it may have, and the meaning of its shape
    "x": (NUMBERS, "[rows, steps, n_in]"),
    "y": ((torch.float32, torch.long), "[rows, n_read, n_out] for numbers, [rows, n_read] for the index of an output"),
    "weight": (NUMBERS, "[rows, n_read]"),
    "allowed": ((torch.bool,), "[n_out]"),
}


def check(task: ModuleType, settings: Any, world: Any) -> None:
    """Refuse a task whose batches, loss or scores have the wrong shapes, before anything trains on them.

    The batches come from a random stream of their own, so that no result depends on them.
    """
    file, rng = f"src/slowpoints/tasks/{task.__name__.rpartition('.')[2]}.py", torch.Generator()
    train = task.sample(settings, world, batch=ROWS, split="train", rng=rng)
    _check_batch(task, settings, train, rows=ROWS, of=f"{file}: sample")
    valid = task.evaluation(settings, world, rows=ROWS, split="valid", rng=rng)
    _check_batch(task, settings, valid, rows=None, of=f"{file}: evaluation")
    both = stacked([train, train])
    out = torch.zeros(2, ROWS, task.n_read(settings), task.n_out(settings))
    score = task.score(settings, out, both)
    found = {"loss": task.loss(settings, out, both), **{f"score {name!r}": value for name, value in score.items()}}
    for name, value in (found | {"solved": task.solved(settings, score)}).items():
        if tuple(value.shape) != (2,):
            raise TaskError(f"{file}: {name} has shape {list(value.shape)} for 2 runs; right is [2]: one per run")


def _check_batch(task: ModuleType, settings: Any, batch: Any, *, rows: int | None, of: str) -> None:
    """Refuse a batch whose fields have other shapes than n_in, n_out and n_read say.    rows: None for any number"""
    if not isinstance(batch, Batch):
        raise TaskError(f"{of} returns {type(batch).__name__}; right is a slowpoints.tasks.Batch")
    n_in, n_out, n_read = task.n_in(settings), task.n_out(settings), task.n_read(settings)
    rows = len(batch.x) if rows is None else rows
    steps = batch.x.shape[1] if batch.x.ndim > 1 else n_read
    right = {"x": (rows, steps, n_in), "y": (rows, n_read, n_out), "weight": (rows, n_read), "allowed": (n_out,)}
    if batch.y.dtype == torch.long:
        right["y"] = (rows, n_read)
    for name, (types, meaning) in FIELDS.items():
        field: Tensor = getattr(batch, name)
        if tuple(field.shape) != right[name]:
            raise TaskError(
                f"{of}: {name} has shape {list(field.shape)}; right is {list(right[name])}: {meaning}, "
                f"where n_in, n_out and n_read are {n_in}, {n_out} and {n_read}"
            )
        if field.dtype not in types:
            raise TaskError(f"{of}: {name} has type {field.dtype}; right is {' or '.join(map(str, types))}")
    if batch.n_steps < n_read:
        raise TaskError(f"{of}: {n_read} answers are read (n_read), but a sequence has {batch.n_steps} steps")
