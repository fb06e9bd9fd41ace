"""Adding problem: say the sum of the marked numbers at the end.

Departs: the abstract of Long, Zhang & Mao (2016) gives no layout. This is the usual later form of
the problem of Hochreiter & Schmidhuber (1997): numbers uniform in [0, 1], one mark in each half, or
in each of m parts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import mean_square

METRICS = ("mse",)  # what `score` returns
SOLVED_MSE = 0.01  # a typical error of 0.1 in a sum of numbers from [0, 1]


@dataclass(frozen=True)
class Settings:
    """How long the sequence is, and how many of its numbers are to be added."""

    n_steps: int = 20
    n_marks: int = 2

    def __post_init__(self) -> None:
        """Refuse more marks than steps."""
        if not 1 <= self.n_marks <= self.n_steps:
            raise ValueError(
                f"adding: n_marks is {self.n_marks}; must lie in 1..n_steps = {self.n_steps}"
            )


def n_in(s: Settings) -> int:
    """Return the number of input channels: number and mark."""
    return 2


def n_out(s: Settings) -> int:
    """Return the number of outputs: the sum."""
    return 1


def sample(s: Settings, world: None, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return numbers, one marked in each of `n_marks` equal parts; splits differ by `rng` alone."""
    x = rng.random(batch, s.n_steps, 2)
    # part j: edges[j]..edges[j+1]-1
    edges = torch.arange(s.n_marks + 1, device=rng.device) * s.n_steps // s.n_marks
    where = rng.random(batch, s.n_marks).mul(edges.diff()).long() + edges[:-1]
    x[:, :, 1] = 0
    x[:, :, 1].scatter_(1, where, 1.0)
    y = x[:, :, 0].gather(1, where).sum(1)[:, None, None]
    return Batch(x, y, x.new_ones(batch, 1), x.new_ones(1, dtype=torch.bool))


def loss_kind(s: Settings) -> str:
    """Return how a miss of the sum is measured."""
    return "squared"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the mean squared error of the sum.    out: [M, B, 1, 1] -> [M]"""
    return {"mse": mean_square(out, batch)}


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs add.    [M]"""
    return score["mse"] < SOLVED_MSE


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input: the mean of the sum.    [O]"""
    return torch.full((1,), s.n_marks / 2)


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`.

    1/12, the variance of a uniform number, per mark.
    """
    return {"mse": s.n_marks / 12}
