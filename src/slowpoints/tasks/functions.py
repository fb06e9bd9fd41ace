"""Random continuous functions (Collins et al. 2017, section on them; Fig. 3e-g): learn random
numbers by heart.

N random inputs have random targets, and the i-th counts by beta_i = 1 / ((i + tau) Z), so that no
network can be too large. As in the perceptron task the set is fixed and there is nothing else: all
splits are other draws from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import mean_square

METRICS = ("mse",)  # what `score` returns
SOLVED_MSE = 0.01  # one hundredth of the variance of the targets


@dataclass(frozen=True)
class Settings:
    """How many numbers there are to learn, how unequally they count, and how the inputs
    are shown.
    """

    n_in: int = 50
    n_samples: int = 1_000_000
    tau: int = 5000  # about so many samples count alike
    n_steps: int = 50
    inject: Literal["once", "always"] = (
        "once"  # Departs: the paper does not say how inputs are shown here
    )

    def __post_init__(self) -> None:
        """Refuse an empty set or sequence."""
        for name in ("n_in", "n_samples", "n_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"functions: {name} is {getattr(self, name)}; must be at least 1")
        if self.tau < 0:
            raise ValueError(f"functions: tau is {self.tau}; must be 0 or more")
        if self.inject not in ("once", "always"):
            raise ValueError(f"functions: inject is {self.inject!r}; must be once or always")


class World(NamedTuple):
    """The set one run learns."""

    inputs: (
        Tensor  # [N, I] standard normal (the paper's "unit norm Gaussian", taken as unit variance)
    )
    targets: Tensor  # [N] standard normal
    beta: Tensor  # [N] in float64, sum one
    edges: Tensor  # [N] the sum of beta up to each sample


def n_in(s: Settings) -> int:
    """Return the number of input channels."""
    return s.n_in


def n_out(s: Settings) -> int:
    """Return the number of outputs: the target."""
    return 1


def world(s: Settings, *, n_parameters: int, rng: Draws, data_dir: Path | None) -> World:
    """Return N random inputs, their random targets, and how much each counts (i = 1..N)."""
    inputs = rng.normal(s.n_samples, s.n_in)
    targets = rng.normal(s.n_samples)
    weight = 1 / (torch.arange(1, s.n_samples + 1, device=rng.device, dtype=torch.float64) + s.tau)
    beta = weight / weight.sum()
    return World(inputs, targets, beta, beta.cumsum(0))


def sample(s: Settings, world: World, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return samples drawn by beta, so that their plain squared error is in the mean the paper's
    weighted one.
    """
    at = rng.random(batch, dtype=torch.float64)
    return _shown(s, world, _index(world, at), at.new_ones(batch))


def evaluation(s: Settings, world: World, *, rows: int, split: Split, rng: Draws) -> Batch:
    """Return the whole set with its weights if `rows` reach.

    Else draws at equal distances in the sum of beta.

    Only the place of the first is random: every sample is there as often as it counts, to within
    one draw.
    """
    if rows >= s.n_samples:
        return _shown(s, world, torch.arange(s.n_samples, device=rng.device), world.beta)
    first = rng.random(1, dtype=torch.float64)
    at = (torch.arange(rows, device=rng.device) + first) / rows
    return _shown(s, world, _index(world, at), at.new_ones(rows))


def _index(world: World, at: Tensor) -> Tensor:
    """Return the samples at which the sum of beta passes `at`.    at: [B] in 0..1 -> [B]"""
    # the sum may miss 1 a little
    return torch.searchsorted(world.edges, at, right=True).clamp(max=len(world.edges) - 1)


def _shown(s: Settings, world: World, index: Tensor, weight: Tensor) -> Batch:
    """Return the samples `index` as sequences.    index, weight: [B]"""
    silent = s.n_steps - 1 if s.inject == "once" else 0
    x = world.inputs.index_select(0, index)[:, None].expand(-1, s.n_steps - silent, -1)
    y = world.targets[index][:, None, None]
    return Batch(x, y, weight.float()[:, None], x.new_ones(1, dtype=torch.bool), silent)


def loss_kind(s: Settings) -> str:
    """Return how a miss of a number is measured."""
    return "squared"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the weighted squared error.    out: [M, B, 1, 1] -> [M]"""
    return {"mse": mean_square(out, batch)}


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs know almost all that counts.    [M]"""
    return score["mse"] < SOLVED_MSE


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input.    [O]"""
    return torch.zeros(1)


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`: the variance of the targets."""
    return {"mse": 1.0}
