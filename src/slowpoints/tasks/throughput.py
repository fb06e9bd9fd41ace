"""Memory throughput (Collins et al. 2017, per-unit capacity): repeat a vector some steps after it
was shown.

A state of n < n_in numbers can at best keep an n-dimensional subspace: squared error 1 - n / n_in
each.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import mean_square

METRICS = ("mse",)  # what `score` returns
BOUND = 3**0.5  # uniform in (-BOUND, BOUND) has variance one
SOLVED_MSE = 0.01  # one hundredth of the variance of the numbers


@dataclass(frozen=True)
class Settings:
    """How many numbers are shown, and how many steps later they are asked."""

    n_in: int = 64
    # the vector is shown at the first, wanted at the last (Departs: the paper says only "after 12")
    n_steps: int = 12

    def __post_init__(self) -> None:
        """Refuse an empty vector or sequence."""
        if self.n_in < 1:
            raise ValueError(f"throughput: n_in is {self.n_in}; must be at least 1")
        if self.n_steps < 1:
            raise ValueError(f"throughput: n_steps is {self.n_steps}; must be at least 1")


def n_in(s: Settings) -> int:
    """Return the number of input channels."""
    return s.n_in


def n_out(s: Settings) -> int:
    """Return the number of outputs, one per number shown."""
    return s.n_in


def sample(s: Settings, world: None, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return vectors shown at the first step and wanted at the last.

    Splits differ by `rng` alone.
    """
    x = rng.random(batch, 1, s.n_in).mul_(2 * BOUND).sub_(BOUND)
    return Batch(
        x, x, x.new_ones(batch, 1), x.new_ones(s.n_in, dtype=torch.bool), silent=s.n_steps - 1
    )


def loss_kind(s: Settings) -> str:
    """Return how a miss of a dimension is measured."""
    return "squared"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the squared error per dimension.    out: [M, B, 1, O] -> [M]"""
    return {"mse": mean_square(out, batch)}


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs keep the whole vector.    [M]"""
    return score["mse"] < SOLVED_MSE


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input.    [O]"""
    return torch.zeros(s.n_in)


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`: the variance of the numbers."""
    return {"mse": 1.0}
