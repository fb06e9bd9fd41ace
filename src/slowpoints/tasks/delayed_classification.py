"""Delayed classification (Haviv, Rivkind & Barak 2019).

Name an image seen steps ago among noise, when asked.

Every step shows an image and a trigger. One image is real, the others are noise; at the trigger the
answer is the class of the real one, at all other steps the answer is output 0, "null"; class k is
output k + 1.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._images import N_CLASSES, World, shared
from slowpoints.tasks._measures import at_target, weighted_mean

METRICS = ("accuracy", "accuracy_classes", "null_accuracy")  # what `score` returns
FRAMES = {  # channels, height, width
    "mnist14": (1, 14, 14),
    "fashion14": (1, 14, 14),
    "mnist": (1, 28, 28),
    "fashion": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "cifar10-partial": (3, 32, 32),
}
FORBIDDEN = -1000.0  # the authors' factor on outputs outside the vocabulary
TINY = 1e-4  # the authors' addend inside the logarithm
SOLVED_ACCURACY = 0.9  # held-out images keep even a perfect memory below one


@dataclass(frozen=True)
class Settings:
    """Which images, when they are shown and asked, and how the answers are judged."""

    dataset: Literal["mnist14", "fashion14", "mnist", "fashion", "cifar10", "cifar10-partial"] = (
        "mnist14"
    )
    n_steps: int = 20
    n_used_steps: int | None = None  # show and ask within the first so many steps; none given: all
    delay_min: int = 4
    n_classes: int = 10  # classes 0..n_classes-1 are in the vocabulary
    order: int = (
        0  # another number: the classes are numbered anew, by the permutation drawn from it
    )
    loss: Literal["paper", "ce"] = "paper"

    def __post_init__(self) -> None:
        """Refuse delays that do not fit, and classes that do not exist."""
        used = self.n_steps if self.n_used_steps is None else self.n_used_steps
        where = "delayed_classification"
        known = ("mnist14", "fashion14", "mnist", "fashion", "cifar10", "cifar10-partial")
        if self.dataset not in known:
            raise ValueError(
                f"{where}: dataset is {self.dataset!r}; must be one of {', '.join(known)}"
            )
        if self.delay_min < 1:
            raise ValueError(f"{where}: delay_min is {self.delay_min}; must be at least 1")
        if not self.delay_min < used <= self.n_steps:
            raise ValueError(
                f"{where}: n_used_steps is {used}; must be at least delay_min + 1 = "
                f"{self.delay_min + 1}"
                f" and at most n_steps = {self.n_steps}"
            )
        if self.order < 0:
            raise ValueError(f"{where}: order is {self.order}; must be 0 or more")
        if not 1 <= self.n_classes <= 10:
            raise ValueError(f"{where}: n_classes is {self.n_classes}; must lie in 1..10")
        if self.loss not in ("paper", "ce"):
            raise ValueError(f"{where}: loss is {self.loss!r}; must be paper or ce")


def frame(s: Settings) -> tuple[int, int, int]:
    """Return channels, height and width of the images, which come first among the inputs."""
    return FRAMES[s.dataset]


def n_in(s: Settings) -> int:
    """Return the number of input channels: pixels, colour by colour, then the trigger."""
    return math.prod(frame(s)) + 1


def n_out(s: Settings) -> int:
    """Return the number of outputs: null, then the classes."""
    return N_CLASSES + 1


def n_read(s: Settings) -> int:
    """Return the number of steps asked: all."""
    return s.n_steps


def world(s: Settings, *, n_parameters: int, rng: Draws, data_dir: Path | None) -> World:
    """Return the images by split, and the noise.

    Read once per process, the same tensors for every run.
    """
    return shared(s.dataset, data_dir, rng.device, order=s.order)


def timing(s: Settings, *, batch: int, rng: Draws) -> tuple[Tensor, Tensor]:
    """Return the steps of stimulus and trigger; the second is uniform in what the first leaves.

    [B]
    """
    n_starts = _n_used(s) - s.delay_min
    shown = rng.integers(0, n_starts, (batch,))
    wait = rng.random(batch).mul_(n_starts - shown).long()
    return shown, shown + s.delay_min + wait


def _n_used(s: Settings) -> int:
    return s.n_steps if s.n_used_steps is None else s.n_used_steps


def sample(s: Settings, world: World, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return sequences with one clean image of `split`, whose class is wanted at the trigger.

    The answer weighs as many as there are steps (the authors' 20, also while fewer are in use),
    other used steps one each, unused steps nothing.
    """
    images, row = world.images[split], torch.arange(batch, device=rng.device)
    label = rng.integers(0, s.n_classes, (batch,))
    item = rng.integers(0, images.shape[1], (batch,))
    shown, asked = timing(s, batch=batch, rng=rng)
    # noise everywhere: the costly line, so once
    x = rng.normal(batch, s.n_steps, n_in(s), mean=world.mean, std=world.std)
    x[:, :, -1] = 0
    x[row, shown, :-1] = images[label, item]
    x[row, asked, -1] = 1
    y = torch.zeros(batch, s.n_steps, dtype=torch.long, device=rng.device)
    y[row, asked] = label + 1
    weight = x.new_zeros(batch, s.n_steps)
    weight[:, : _n_used(s)] = 1
    weight[row, asked] = s.n_steps
    return Batch(x, y, weight, torch.arange(n_out(s), device=rng.device) <= s.n_classes)


def noise(s: Settings, world: World, *, rows: int, rng: Draws) -> Tensor:
    """Return frames of noise without a trigger.    -> [rows, I]"""
    frames = rng.normal(rows, n_in(s), mean=world.mean, std=world.std)
    frames[:, -1] = 0
    return frames


def mean_noise(s: Settings, world: World, *, rows: int, rng: Draws) -> Tensor:
    """Return the mean of `noise`.    -> [rows, I]"""
    frames = torch.full((rows, n_in(s)), world.mean, device=rng.device)
    frames[:, -1] = 0
    return frames


def loss_kind(s: Settings) -> str | None:
    """Return how a miss is measured with the loss "ce".

    Departs: the plain cross-entropy of the logits in use, divided by the sum of the weights.
    """
    return "cross_entropy" if s.loss == "ce" else None


def loss(s: Settings, out: Tensor, batch: Batch) -> Tensor:
    """Return the loss "paper": the cross-entropy of the answers, weighted.

    Softmax over sigmoids, those outside the vocabulary times -1000; log(p + 1e-4); over B T O.
    out: [M, B, T, O] -> [M]
    """
    allowed = batch.allowed[:, None, None, :]
    p = (out.sigmoid() * torch.where(allowed, 1.0, FORBIDDEN)).softmax(-1)
    n_rows = (batch.weight > 0).any(-1).sum(-1)  # rows that are not padding
    log_p = (at_target(p, batch.y) + TINY).log()
    return -(log_p * batch.weight).sum((1, 2)) / (n_rows * s.n_steps * n_out(s))


def loss_scale(s: Settings) -> float:
    """Return how many times larger the loss is than "paper".

    "ce" divides the summed cross-entropy of a sequence by its weights (20 + 19), "paper" by steps
    and outputs (220): what the networks answer aside, it is 5.64 times larger.
    """
    if s.loss == "paper":
        return 1.0
    return s.n_steps * n_out(s) / (s.n_steps + _n_used(s) - 1)


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return how often answers are right, and silence is kept.

    out: [M, B, T, O] -> [M]

    accuracy: at the trigger the class wins against all outputs in use, null included; delays follow
    the training law. accuracy_classes: null left out of the competition. null_accuracy: null wins
    at other steps.
    """
    out = out.masked_fill(~batch.allowed[:, None, None, :], -torch.inf)
    counts, asked = batch.weight > 0, batch.y > 0
    right = (out.argmax(-1) == batch.y).float()
    right_class = (out[..., 1:].argmax(-1) + 1 == batch.y).float()
    return {
        "accuracy": weighted_mean(right, (counts & asked).float()),
        "accuracy_classes": weighted_mean(right_class, (counts & asked).float()),
        "null_accuracy": weighted_mean(right, (counts & ~asked).float()),
    }


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs name the image when asked.    [M]"""
    return score["accuracy"] >= SOLVED_ACCURACY


def constant(s: Settings) -> Tensor:
    """Return the output of a network that is always silent: sigmoid one for null, zero elsewhere.

    [O]
    """
    return torch.tensor([1e3] + [-1e3] * N_CLASSES)


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`; among the classes it can only guess."""
    return {"accuracy": 0.0, "accuracy_classes": 1 / s.n_classes, "null_accuracy": 1.0}
