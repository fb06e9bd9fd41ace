"""What a task is: the settings, sizes, sequences and scores that its file states, and defaults for
the rest.

The file of a task defines `class Settings`, `METRICS`, and functions named as the methods of
`Task`. A function that it leaves out is the method of that name; what equals another task is
imported from it.
"""

from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from torch import Tensor

from slowpoints.engine.draws import Draws
from slowpoints.errors import SlowpointsError
from slowpoints.tasks._batch import Batch
from slowpoints.tasks._measures import LOSSES

Split = Literal["train", "valid", "test"]


class TaskError(SlowpointsError):
    """A task whose functions return what no network can be trained on.

    The file, what it returns, what is right.
    """


class Task:
    """A task as its file defines it.

    s: its own settings; M runs of a stack, B sequences, T_y steps at which answers are read, I
    inputs, O outputs
    """

    Settings: type[Any]
    METRICS: tuple[str, ...]  # the names of what `score` returns
    PER_RUN: tuple[str, ...] = ()  # settings that may differ between the runs of one stack

    def __init__(self, module: ModuleType) -> None:
        """Take what the module of a task defines in place of the methods here."""
        self.name = module.__name__.rpartition(".")[2]
        vars(self).update({name: value for name, value in vars(module).items() if name in OWN})

    def settings(self, block: dict[str, Any]) -> Any:
        """Return the settings object for a `task` block, in which the task's name stands too."""
        return self.Settings(**{name: value for name, value in block.items() if name != "name"})

    def n_in(self, s: Any) -> int:
        """Return the number of inputs at a step, I."""
        raise NotImplementedError

    def n_out(self, s: Any) -> int:
        """Return the number of outputs at a step, O."""
        raise NotImplementedError

    def n_read(self, s: Any) -> int:
        """Return the number of last steps at which an answer is read, T_y.

        By default: only the last.
        """
        return 1

    def frame(self, s: Any) -> tuple[int, int, int] | None:
        """Return channels, height and width of the first inputs, or None: no frames.

        Only these can pass a front.
        """
        return None

    def world(self, s: Any, *, n_parameters: int, rng: Draws, data_dir: Path | None) -> Any:
        """Return what stays the same from step to step.

        By default None: every sequence is fresh.
        """
        return None

    def sample(self, s: Any, world: Any, *, batch: int, split: Split, rng: Draws) -> Batch:
        """Return random sequences.

        batch: how many, of several networks side by side; rng: what is random comes from it, with
        `batch` as its first axis, and each sequence follows from its own draws
        """
        raise NotImplementedError

    def evaluation(self, s: Any, world: Any, *, rows: int, split: Split, rng: Draws) -> Batch:
        """Return the sequences that a run is judged on. By default: fresh ones.

        rows: how many, at most
        """
        return self.sample(s, world, batch=rows, split=split, rng=rng)

    def noise(self, s: Any, world: Any, *, rows: int, rng: Draws) -> Tensor:
        """Return inputs under which a memory should stay.    [rows, I]"""
        raise TaskError(f"task {self.name} has no noise under which states could move")

    def mean_noise(self, s: Any, world: Any, *, rows: int, rng: Draws) -> Tensor:
        """Return the mean of such inputs.    [rows, I]"""
        raise TaskError(f"task {self.name} has no noise under which states could move")

    def loss_kind(self, s: Any) -> str | None:
        """Return how a miss is measured: squared, cross_entropy or logistic.

        These the engine computes on its way, which is faster. By default None: `loss` says it.
        """
        return None

    def loss(self, s: Any, out: Tensor, batch: Batch) -> Tensor:
        """Return what is minimised where it is of no `loss_kind`.    out: [M, B, T_y, O] -> [M]"""
        raise TaskError(f"task {self.name} has no loss: define loss, or loss_kind for one of ours")

    def minimised(self, s: Any, out: Tensor, batch: Batch) -> Tensor:
        """Return what is minimised.    out: [M, B, T_y, O] -> [M]"""
        kind = self.loss_kind(s)
        return self.loss(s, out, batch) if kind is None else LOSSES[kind](out, batch)

    def loss_scale(self, s: Any) -> float:
        """Return how many times larger the loss is than that of the task's authors.

        The strength of a penalty is multiplied by it. By default 1: the loss is theirs.
        """
        return 1.0

    def score(self, s: Any, out: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return every metric of `METRICS`.    out: [M, B, T_y, O] -> [M] each"""
        raise NotImplementedError

    def solved(self, s: Any, score: dict[str, Tensor]) -> Tensor:
        """Return which runs have solved the task.    [M]"""
        raise NotImplementedError

    def constant(self, s: Any) -> Tensor:
        """Return the best output that ignores the input.    [O]"""
        raise NotImplementedError

    def baseline(self, s: Any) -> dict[str, float]:
        """Return the expected scores of `constant`."""
        raise NotImplementedError


# What a file may define: everything public of a task but what is made from it.
OWN = {name for name in (*vars(Task), *Task.__annotations__) if not name.startswith("_")} - {
    "settings",
    "minimised",
}
