"""Batches for a stack: every run draws from its own stream, in pools of several steps to spare
small calls.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slowpoints.spec.run import Run
from slowpoints.tasks import Batch, Task, stacked
from slowpoints.training import curricula
from slowpoints.training.stack import generator

POOL_STEPS = 16
POOL_ELEMENTS = 200_000  # per run: larger inputs cost more to keep than the calls they spare


class Feed:
    """The training batches of a stack.

    Random state lives here: one generator per run, not per slot.
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
        self.rngs = [generator(run, "data") for run in runs]
        self.pool_steps = self._pool_steps(train.eval_every)
        self.pool: Batch | None = None

    def _pool_steps(self, eval_every: int) -> int:
        """Return how many steps are drawn at once: a divisor of eval_every, 1 for large inputs."""
        elements = example(self.task, self.settings[0], self.worlds[0]).x.numel() * self.batch
        fits = (
            n
            for n in range(POOL_STEPS, 0, -1)
            if eval_every % n == 0 and n * elements <= POOL_ELEMENTS
        )
        return next(fits, 1)

    def __call__(self, members: list[int], steps: list[int]) -> Batch:
        """Return a batch for some runs, each at its own 0-based step.

        fields: [m, B, ...]

        A run's steps come in order. All steps agree modulo the length of a pool, since runs begin
        at evaluations only; members change at evaluations only.
        """
        at = steps[0] % self.pool_steps
        if at == 0:
            drawn = [self._drawn(run, step) for run, step in zip(members, steps, strict=True)]
            self.pool = stacked(drawn).to(self.device)
        assert self.pool is not None, "training goes on at evaluations only, where a pool begins"
        rows = slice(at * self.batch, (at + 1) * self.batch)
        x, y, weight = (field[:, rows] for field in self.pool[:3])
        return self.pool._replace(x=x, y=y, weight=weight)

    def _drawn(self, run: int, step: int) -> Batch:
        """Return the next pool of one run, from its own stream.    fields: [B, ...]"""
        size = self.batch * self.pool_steps
        settings = self._stage(run, step)
        return self.task.sample(
            settings, self.worlds[run], batch=size, split="train", rng=self.rngs[run]
        )

    def _stage(self, run: int, step: int) -> Any:
        """Return the task settings of one run at `step` of its curriculum."""
        train, settings = self.runs[run].train, self.settings[run]
        overrides = curricula.stage(
            train.curriculum, step=step, steps=train.steps, settings=vars(settings)
        )
        return dataclasses.replace(settings, **overrides) if overrides else settings

    def state(self) -> Tensor:
        """Return the random state of every run.    -> [M, bytes]"""
        return torch.stack([rng.get_state() for rng in self.rngs])

    def restore(self, state: Tensor) -> None:
        """Go on from a saved random state.    state: [M, bytes]"""
        for rng, own in zip(self.rngs, state, strict=True):
            rng.set_state(own.clone())  # torch reads the storage from its start


def worlds(
    runs: list[Run], task: Task, settings: list[Any], *, n_parameters: int, data_dir: Path | None
) -> list[Any]:
    """Return the fixed data of each run: what its task keeps the same from step to step."""
    return [
        task.world(own, n_parameters=n_parameters, rng=generator(run, "world"), data_dir=data_dir)
        for run, own in zip(runs, settings, strict=True)
    ]


def example(task: Task, settings: Any, world: Any) -> Batch:
    """Return one sequence of the task, from a stream of its own."""
    return task.sample(settings, world, batch=1, split="train", rng=torch.Generator())
