"""Slow points followed backwards through training.

Each found again from where it is one checkpoint later.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.analyses._centres import final_states, starts
from slowpoints.analyses._delayed import mean_noise, stage_at, with_trigger
from slowpoints.dynamics import SlowPoints, find_slow_points
from slowpoints.engine import measure, state_curvature, state_jacobian, state_map
from slowpoints.provenance.record import Record
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group, in_float64


class Tracked(NamedTuple):
    """The points of m networks at one checkpoint."""

    number: int  # of the checkpoint, from 0
    group: Group  # with the weights of then
    mean: Tensor  # [m, seen - 1] of the noise, as seen then
    found: SlowPoints  # fields [m, N, ...]
    jacobian: Tensor  # [m, N, S, S]


def checkpoint(group: Group, index: int) -> Group:
    """Return the networks as they were at a checkpoint."""
    return group._replace(params={name: value[:, index] for name, value in group.history.items()})


def n_checkpoints(group: Group) -> int:
    """Return how many checkpoints the networks have."""
    return next(iter(group.history.values())).shape[1] if group.history else 0


def in_use(record: Record, index: int) -> dict[str, int]:
    """Return step, number of classes and of used steps in the stage that ends with, or goes on at,
    a checkpoint.
    """
    train, task = record.train, record.task
    step = train.steps // train.snapshots * (index + 1)
    return {"step": step} | stage_at(
        train.curriculum, vars(task.settings), step=step - 1, steps=train.steps
    )


def tracked(
    group: Group,
    world: World,
    images: Tensor,
    *,
    points: Tensor,
    reach: float,
    n_wait: int,
    std: float,
    rng: torch.Generator,
    max_iterations: int,
) -> Iterator[Tracked]:
    """Yield the points at each checkpoint, the last first.

    points: [m, N, S] at the end; images: [N, B, pixel]

    At each checkpoint the search starts where the point is one checkpoint later, and stays within
    `reach` standard deviations of the states that the class's images lead to then, as the search at
    the end does: see there.
    """
    same_noise = rng.get_state()
    lower = upper = points
    for number in reversed(range(n_checkpoints(group))):
        then = in_float64(checkpoint(group, number))
        mean = mean_noise(then, world)
        x = with_trigger(mean, 0.0)
        if number + 1 < n_checkpoints(group):
            rng.set_state(same_noise)  # at every checkpoint
            final = final_states(then, world, images, n_wait=n_wait, std=std, rng=rng)
            _, lower, upper, _ = starts(then, mean, final, n_deviations=reach)
        jacobian = state_jacobian(then.network, then.params, x)
        found = find_slow_points(
            state_map(then.network, then.params, x),
            points,
            measure=measure(then.network),
            jacobian=jacobian,
            curvature=state_curvature(then.network, then.params, x),
            lower=lower,
            upper=upper,
            max_iterations=max_iterations,
        )
        points = found.point
        yield Tracked(number, then, mean, found, jacobian(points))


def winner(out: Tensor, *, n_classes: list[int]) -> Tensor:
    """Return the class that wins among those in use, -1: null.

    out: [m, B, classes + 1], n_classes: m -> [m, B]
    """
    allowed = torch.arange(out.shape[-1]) <= torch.tensor(n_classes)[:, None, None]
    return out.masked_fill(~allowed, -torch.inf).argmax(-1) - 1
