"""How the noise of the task moves a network that is at a point.

The same noise frames for all networks.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.analyses._delayed import seen
from slowpoints.dynamics import residual
from slowpoints.engine import measure, state_map
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group

N_FRAMES = 64


class Scatter(NamedTuple):
    """One step under noise, in the quantities of the speed.

    Noisy_speed^2 = |mean displacement|^2 + scatter^2.
    """

    scatter: Tensor  # [M, N] root of the summed variances of the next state
    noisy_speed: Tensor  # [M, N] root of the mean squared displacement


def scatter(group: Group, task: World, point: Tensor) -> Scatter:
    """Return how far one step under noise frames leads, and how much this differs.

    point: [M, N, S]
    """
    moved = displacements(group, task, point)
    around = moved - moved.mean(0)
    return Scatter(*(r.square().sum(-1).mean(0).sqrt() for r in (around, moved)))


def displacements(group: Group, task: World, point: Tensor) -> Tensor:
    """Return the displacement from the point in one step under every frame.

    [M, N, S] -> [frame, M, N, S]
    """
    rng = torch.Generator().manual_seed(
        seed_of(group.records[0].run.experiment, "noise at slow points")
    )
    pixels = (N_FRAMES, group.network.n_in - 1)
    frames = torch.empty(pixels, dtype=point.dtype).normal_(task.mean, task.std, generator=rng)
    inputs = seen(group, frames, 0.0).unbind(1)  # each [M, seen]
    maps = (state_map(group.network, group.params, x) for x in inputs)
    return torch.stack([residual(F, point, measure=measure(group.network)) for F in maps])
