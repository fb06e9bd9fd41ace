"""Memorization problem (Long, Zhang & Mao 2016).

Keep some bits while others pass by, then say them all.

Departs: the abstract names targeted and interfering information only; layout, alphabet and target
are our
reconstruction: I fair bits +-1 first, N bits of the same source after them, all I asked at the last
step.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import mean_square, weighted_mean

METRICS = ("mse", "bit_accuracy", "exact_match")  # what `score` returns
SOLVED_EXACT_MATCH = 0.99  # almost every sequence right in every bit


@dataclass(frozen=True)
class Settings:
    """How much to keep, and how much must not disturb it."""

    n_targeted: int = 4
    n_interfering: int = 10
    # serial: one bit per step; parallel: all targeted bits at step 1, then vectors of interfering
    # bits;
    # delay: as serial, with zeros in place of the interfering bits (time passes without
    # information)
    layout: Literal["serial", "parallel", "delay"] = "serial"
    flag: bool = False  # a second channel says which steps are targeted

    def __post_init__(self) -> None:
        """Refuse settings that leave nothing to remember."""
        if self.n_targeted < 1:
            raise ValueError(f"memorization: n_targeted is {self.n_targeted}; must be at least 1")
        if self.n_interfering < 0:
            raise ValueError(
                f"memorization: n_interfering is {self.n_interfering}; must be 0 or more"
            )
        if self.layout not in ("serial", "parallel", "delay"):
            raise ValueError(
                f"memorization: layout is {self.layout!r}; must be serial, parallel or delay"
            )


def n_in(s: Settings) -> int:
    """Return the number of input channels."""
    return (s.n_targeted if s.layout == "parallel" else 1) + s.flag


def n_out(s: Settings) -> int:
    """Return the number of outputs, one per targeted bit."""
    return s.n_targeted


def sample(s: Settings, world: None, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return fair bits, the first of them wanted back at the last step.

    Splits differ by `rng` alone.
    """
    n_kept = 1 if s.layout == "parallel" else s.n_targeted  # targeted steps
    shape = (batch, n_kept + s.n_interfering, n_in(s))
    x = rng.integers(0, 2, shape).float().mul_(2).sub_(1)
    y = x[:, :n_kept, : n_in(s) - s.flag].reshape(batch, 1, s.n_targeted)
    if s.layout == "delay":
        x[:, n_kept:] = 0
    if s.flag:
        x[:, :n_kept, -1] = 1
        x[:, n_kept:, -1] = 0
    return Batch(x, y, x.new_ones(batch, 1), x.new_ones(s.n_targeted, dtype=torch.bool))


def loss_kind(s: Settings) -> str:
    """Return how a miss of the targets, +-1, is measured."""
    return "squared"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return squared error, share of right bits and of right sequences.

    out: [M, B, 1, O] -> [M]
    """
    right = (out > 0) == (batch.y > 0)
    return {
        "mse": mean_square(out, batch),
        "bit_accuracy": weighted_mean(right.float().mean(-1), batch.weight),
        "exact_match": weighted_mean(right.all(-1).float(), batch.weight),
    }


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs hold all targeted bits.    [M]"""
    return score["exact_match"] >= SOLVED_EXACT_MATCH


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input.    [O]"""
    return torch.zeros(n_out(s))


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`."""
    return {"mse": 1.0, "bit_accuracy": 0.5, "exact_match": 0.5**s.n_targeted}
