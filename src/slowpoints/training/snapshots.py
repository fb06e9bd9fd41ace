"""What the weights were on the way.

Copies in equal steps of training, kept for analyses of how memory forms.
"""

import torch
from torch import Tensor

from slowpoints.provenance.records import HISTORY
from slowpoints.spec.training import TrainSettings
from slowpoints.training.optimiser import views


class Snapshots:
    """The weights of every run after each `snapshots`-th part of its training."""

    def __init__(self, trains: list[TrainSettings], n_numbers: int) -> None:
        """Start empty.    trains: of N runs; n_numbers: parameters of one run, in whole vectors"""
        self.trains = trains
        self.kept = torch.full((len(trains), trains[0].snapshots, n_numbers), torch.nan)

    def keep(self, run: int, *, step: int, weights: Tensor) -> None:
        """Keep the weights of one run if it is at the right step.    weights: [P]"""
        n, steps = self.kept.shape[1], self.trains[run].steps
        if n and step % (steps // n) == 0:
            self.kept[run, step // (steps // n) - 1] = weights.detach().cpu()

    def arrays(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """Return the copies by the names of the parameters, none where none were wanted.

        -> values [N, K, ...]
        """
        n_runs, n, _ = self.kept.shape
        if not n:
            return {}
        named = views(self.kept.flatten(0, 1), shapes)
        return {
            HISTORY + name: value.detach().unflatten(0, (n_runs, n))
            for name, value in named.items()
        }
