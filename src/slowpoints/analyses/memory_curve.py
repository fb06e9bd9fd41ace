"""How long each class is remembered (Haviv et al. 2019): accuracy against the delay until the
trigger.

A held-out image is shown at step 0, noise from then on. At every delay of the grid the answer is
computed as if the trigger came at that step, without feeding that step back: one run of a network
serves all delays. The same noise is shown to all networks.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slowpoints.analyses._delayed import (
    answer,
    as_table,
    chosen_images,
    prepared,
    seen,
    shared,
    world,
)
from slowpoints.analyses._given import Given, Result
from slowpoints.engine import States, start, unroll
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group

STEPS = 25  # taken at once
COLUMNS = ("class", "delay", "accuracy", "accuracy_classes", "accuracy_sd", "n")
OF_TASKS = ("delayed_classification",)


@dataclass(frozen=True)
class Settings:
    """When the trigger comes, and how many trials decide."""

    delays: tuple[int, ...] = (
        4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        20, 25, 30, 40, 50, 60, 80, 100, 140, 200, 300, 500, 700, 1000,
    )  # fmt: skip
    n_images: int = 20  # per class, held out
    n_noise: int = 5  # noise sequences per image

    def __post_init__(self) -> None:
        """Refuse delays that do not increase, and empty samples."""
        if not self.delays or self.delays[0] < 1 or list(self.delays) != sorted(set(self.delays)):
            raise ValueError(
                f"memory_curve: delays are {list(self.delays)}; must increase from 1 or more"
            )
        if min(self.n_images, self.n_noise) < 1:
            raise ValueError("memory_curve: n_images and n_noise must be at least 1")


def run(given: Given) -> Result:
    """Return accuracy per network, class and delay, its spread over noise sequences, and number of
    trials.

    accuracy: the class wins against all outputs, null included; accuracy_classes: against the
    classes only.
    """
    rows = [
        row
        for group in given.groups
        for row in _curves(group, given.settings, data_dir=given.data_dir)
    ]
    return as_table(rows, records=given.records, columns=COLUMNS), {}


def _curves(group: Group, settings: Settings, *, data_dir: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one group."""
    rng = torch.Generator().manual_seed(seed_of(group.records[0].run.experiment, "memory_curve"))
    held_out = world(group, data_dir=data_dir)
    stimulus, label, frames = trials(
        group, held_out, n_images=settings.n_images, n_noise=settings.n_noise, rng=rng
    )
    n_classes = group.settings.n_classes
    n_images = len(label) // (n_classes * settings.n_noise)
    for delay, out in answers(group, stimulus, frames, delays=settings.delays):
        right = (out.argmax(-1) == label + 1).double()
        right_class = (out[..., 1:].argmax(-1) == label).double()
        # [M, class, noise]
        by_noise = right.view(-1, n_classes, n_images, settings.n_noise).mean(2)
        spread = (
            by_noise.std(-1) if settings.n_noise > 1 else torch.full(by_noise.shape[:2], torch.nan)
        )
        classes_only = right_class.view(-1, n_classes, n_images * settings.n_noise).mean(2)
        for m, record in enumerate(group.records):
            for k in range(n_classes):
                yield identity(record) | {
                    "class": k,
                    "delay": delay,
                    "accuracy": float(by_noise[m, k].mean()),
                    "accuracy_classes": float(classes_only[m, k]),
                    "accuracy_sd": float(spread[m, k]),
                    "n": n_images * settings.n_noise,
                }


def trials(
    group: Group, task: World, *, n_images: int, n_noise: int, rng: torch.Generator
) -> tuple[Tensor, Tensor, Iterator[Tensor]]:
    """Return held-out images, several times each, their classes, and noise for ever after.

    rows: class, image, noise sequence    -> [B, pixel], [B], each frame [B, pixel]
    """
    images = chosen_images(group, task.images["test"], n_images=n_images, rng=rng)
    stimulus = images.repeat_interleave(n_noise, 1).flatten(0, 1)
    label = torch.arange(len(images)).repeat_interleave(images.shape[1] * n_noise)
    return stimulus, label, noise(stimulus, mean=task.mean, std=task.std, rng=rng)


def noise(like: Tensor, *, mean: float, std: float, rng: torch.Generator) -> Iterator[Tensor]:
    """Yield noise frames for ever, fresh ones for every row.    like: [B, pixel] -> [B, pixel]"""
    while True:
        yield torch.empty_like(like).normal_(mean, std, generator=rng)


@torch.no_grad()
def answers(
    group: Group, stimulus: Tensor, frames: Iterator[Tensor], *, delays: tuple[int, ...]
) -> Iterator[tuple[int, Tensor]]:
    """Yield each delay with the outputs at a trigger that long after the stimulus.

    stimulus and every frame: [B, pixel], the same for all networks; outputs: [M, B, classes + 1]
    """
    weights = prepared(group)
    for delay, frame, states in rollout(group, stimulus, frames, delays=delays):
        yield delay, answer(group, weights, seen(group, frame, 1.0), states)


@torch.no_grad()
def rollout(
    group: Group, stimulus: Tensor, frames: Iterator[Tensor], *, delays: tuple[int, ...]
) -> Iterator[tuple[int, Tensor, States]]:
    """Yield each delay with the frame of that step and the states that meet it.

    stimulus and every frame: [B, pixel], the same for all networks; states: each [M, B, H]
    """
    states = start(group.network, group.params, batch=len(stimulus))
    shown = itertools.chain([stimulus], frames)
    frame, t = next(shown), 0
    for delay in delays:
        while t < delay:
            waiting = [frame, *itertools.islice(shown, min(STEPS, delay - t) - 1)]
            x = shared(group, torch.stack(waiting, 1), 0.0)
            _, states = unroll(group.network, group.params, x, states, last=1)
            frame, t = next(shown), t + len(waiting)
        yield delay, frame, states
