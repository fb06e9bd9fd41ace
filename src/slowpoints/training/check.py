"""Try every cell and every task of a plan.

One step of two networks at once must be the step of each alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slowpoints.data.registry import get_dataset
from slowpoints.engine.trust import mixes_units
from slowpoints.errors import SlowpointsError
from slowpoints.spec.parts import file_of
from slowpoints.spec.run import Run
from slowpoints.spec.training import ROWS, TrainSettings
from slowpoints.training.stack import network
from slowpoints.training.trainer import Trainer

UNITS = 4  # of the networks that are tried


class ContractError(SlowpointsError):
    """A cell or a task with which a network is not the same alone and in company."""


class Tried(NamedTuple):
    """A cell or a task of a plan, and what is to be known of it."""

    kind: str  # cell or task
    name: str
    settings: dict[str, Any]
    note: str  # '' if there is nothing


def check_parts(runs: Iterable[Run]) -> list[Tried]:
    """Try every cell and every task that runs name, each with each of its settings.

    Raises:
        SlowpointsError: the first mistake, with the file and what would be right.

    """
    runs = list(runs)
    return [*_cells(runs), *_tasks(runs)]


def _cells(runs: list[Run]) -> Iterator[Tried]:
    known: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: not _is_here(run)):  # first those whose data are here
        known.setdefault(f"{run.net.cell} {run.net.own}", run)
    for run in known.values():
        if _is_here(run):
            _try(run, where=file_of("cells", run.net.cell))
        small = _small(run, seed=0)
        note = (
            ""
            if _is_here(run)
            else "alone and in company not tried: its tasks need data that do not ship"
        )
        if mixes_units(network(small.task, small.net).cell, UNITS):
            note = "mixes units: its Jacobian is found by autograd"
        yield Tried("cell", run.net.cell, vars(run.net.own), note)


def _tasks(runs: list[Run]) -> Iterator[Tried]:
    known: dict[str, Run] = {}
    for run in runs:
        known.setdefault(f"{run.task.name} {run.task.settings}", run)
    for run in known.values():
        if _is_here(run):
            _try(run, where=file_of("tasks", run.task.name))
        note = "" if _is_here(run) else "not tried: needs data that do not ship"
        yield Tried("task", run.task.name, vars(run.task.settings), note)


def _is_here(run: Run) -> bool:
    """Return whether the data of a task ship with the project."""
    dataset = getattr(run.task.settings, "dataset", None)
    return dataset is None or all(file.is_shipped for file in get_dataset(dataset).files.values())


def _small(run: Run, *, seed: int) -> Run:
    """Return a run of the same cell and task whose network is small, and that takes one step."""
    net = replace(run.net, units=UNITS, budget=None, depth=min(run.net.depth, 2), front="none")
    train = TrainSettings(
        steps=1, eval_every=1, batch=ROWS, eval_rows=ROWS, test_rows=ROWS, lr=run.train.lr
    )
    return replace(run, net=net, train=train, seed=seed)


def _try(run: Run, *, where: str) -> None:
    """Raise unless two networks take a step together as each does alone."""
    runs = [_small(run, seed=seed) for seed in (0, 1)]
    try:
        together, *alone = _stepped(runs), _stepped(runs[:1]), _stepped(runs[1:])
    except (ValueError, TypeError, RuntimeError, KeyError, AttributeError, IndexError) as error:
        raise ContractError(
            f"{where}: a step of {run.net.cell} on {run.task.name} fails: {error}"
        ) from error
    for i, single in enumerate(chain.from_iterable(alone)):
        if not torch.equal(together[i], single):
            raise ContractError(
                f"{where}: a step of two networks ({run.net.cell} on {run.task.name}) is not "
                "that of each alone; "
                "compute every entry of a stack from its own network"
            )


def _stepped(runs: list[Run]) -> torch.Tensor:
    """Return the weights of runs after their first step.    [M, P]"""
    trainer = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None)
    trainer.advance()
    return trainer.slots.flat.clone()
