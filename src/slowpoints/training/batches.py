"""Batches for a stack: every run draws from its own streams, one per step, all of them at once."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from slowpoints.engine.draws import Draws
from slowpoints.spec.run import Run
from slowpoints.tasks import Batch, Task
from slowpoints.training import curricula
from slowpoints.training.stack import draws, key_of

CPU = torch.device("cpu")
POOL_STEPS = 16  # drawn at once, to spare small calls: no result depends on it
POOL_ELEMENTS = 200_000  # per run: larger inputs cost more to keep than the calls they spare


class Feed:
    """The training batches of a stack, drawn on its device.

    A batch follows from its run and step alone: nothing is to be kept between steps.
    """

    def __init__(
        self,
        runs: list[Run],
        task: Task,
        settings: list[Any],
        worlds: list[Any],
        device: torch.device,
    ) -> None:
        self.runs = runs
        self.task = task
        self.settings = settings
        self.worlds = worlds
        self.device = device
        train = runs[0].train
        self.batch = train.batch
        self.keys = [key_of(run, "data") for run in runs]
        self.pool_steps = self._pool_steps(train.eval_every)
        self.pool: Batch | None = None

    def _pool_steps(self, eval_every: int) -> int:
        """Return how many steps are drawn at once: a divisor of eval_every, 1 for large inputs."""
        one = example(self.task, self.settings[0], self.worlds[0], self.device)
        elements = one.x.numel() * self.batch
        fits = (
            n
            for n in range(POOL_STEPS, 0, -1)
            if eval_every % n == 0 and n * elements <= POOL_ELEMENTS
        )
        return next(fits, 1)

    def __call__(self, members: list[int], steps: list[int]) -> Batch:
        """Return a batch for some runs, each at its own 0-based step.

        fields: [m, B, ...]

        All steps agree modulo the length of a pool, since runs begin at evaluations only; members
        change at evaluations only.
        """
        at = steps[0] % self.pool_steps
        if at == 0:
            ahead = range(self.pool_steps)
            cells = [
                (run, step + i) for i in ahead for run, step in zip(members, steps, strict=True)
            ]
            self.pool = self._drawn(cells)
        assert self.pool is not None, "training goes on at evaluations only, where a pool begins"
        own = slice(at * len(members), (at + 1) * len(members))
        return self.pool.rows(own)

    def _drawn(self, cells: list[tuple[int, int]]) -> Batch:
        """Return the batches of some runs at some steps.    fields: [cells, B, ...]"""
        alike: dict[Any, list[int]] = {}
        for i, (run, step) in enumerate(cells):
            alike.setdefault((self._stage(run, step), id(self.worlds[run])), []).append(i)
        parts = [
            self._alike([cells[i] for i in own], settings) for (settings, _), own in alike.items()
        ]
        if len(parts) == 1:
            return parts[0]
        place = torch.tensor([i for own in alike.values() for i in own]).argsort().to(self.device)
        fields = zip(*(part[:4] for part in parts), strict=True)
        x, y, weight, allowed = (torch.cat(same)[place] for same in fields)
        return Batch(x, y, weight, allowed, parts[0].silent)

    def _alike(self, cells: list[tuple[int, int]], settings: Any) -> Batch:
        """Return batches of the same settings and fixed data.    fields: [cells, B, ...]"""
        keys, steps = [self.keys[run] for run, _ in cells], [step for _, step in cells]
        rng = Draws(keys, steps=steps, device=self.device)
        rows, world = len(cells) * self.batch, self.worlds[cells[0][0]]
        drawn = self.task.sample(settings, world, batch=rows, split="train", rng=rng)
        x, y, weight = (field.unflatten(0, (len(cells), -1)) for field in drawn[:3])
        return Batch(x, y, weight, drawn.allowed.expand(len(cells), -1), drawn.silent)

    def _stage(self, run: int, step: int) -> Any:
        """Return the task settings of one run at `step` of its curriculum."""
        train, settings = self.runs[run].train, self.settings[run]
        overrides = curricula.stage(
            train.curriculum, step=step, steps=train.steps, settings=vars(settings)
        )
        return dataclasses.replace(settings, **overrides) if overrides else settings


def worlds(
    runs: list[Run],
    task: Task,
    settings: list[Any],
    *,
    n_parameters: int,
    data_dir: Path | None,
    device: torch.device = CPU,
) -> list[Any]:
    """Return the fixed data of each run: what its task keeps the same from step to step."""
    return [
        task.world(
            own, n_parameters=n_parameters, rng=draws(run, "world", device), data_dir=data_dir
        )
        for run, own in zip(runs, settings, strict=True)
    ]


def example(task: Task, settings: Any, world: Any, device: torch.device) -> Batch:
    """Return one sequence of the task, from a stream of its own."""
    rng = Draws([0], device=device)
    return task.sample(settings, world, batch=1, split="train", rng=rng)
