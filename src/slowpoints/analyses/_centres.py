"""Where the states of each class are: the start of the slow-point search, and how far it may go."""

from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.analyses._delayed import answer, prepared, seen, with_trigger
from slowpoints.engine import pack, start, step, unpack
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group

N_CORRECT = 2  # trials read out correctly that a centre needs, to have a spread


class Starts(NamedTuple):
    """Where the search starts, and its box."""

    centres: Tensor  # [M, N, S]
    lower: Tensor  # [M, N, S]
    upper: Tensor  # [M, N, S]
    n_correct: Tensor  # [M, N] trials read out correctly


@torch.no_grad()
def final_states(
    group: Group, task: World, images: Tensor, *, n_wait: int, std: float, rng: torch.Generator
) -> Tensor:
    """Return the states after the images and `n_wait` steps of noise.

    images: [N, B, pixel] -> [M, N, B, S]. All trials share one noise sequence, as in the authors'
    code.
    """
    weights, frame = prepared(group), images.flatten(0, 1)
    states = start(group.network, group.params, batch=len(frame))
    for _ in range(n_wait + 1):
        _, states = step(group.network, weights, seen(group, frame, 0.0), states)
        frame = torch.empty(1, images.shape[-1]).normal_(task.mean, std, generator=rng)
    return pack(states).unflatten(1, images.shape[:2])


@torch.no_grad()
def starts(group: Group, noise: Tensor, final: Tensor, *, n_deviations: float | None) -> Starts:
    """Return each class's mean final state over correct trials, and the box around it.

    noise: [M, seen - 1], as from `mean_noise`; final: [M, N, B, S]

    n_deviations: how far the box reaches around the mean, in standard deviations of the class's
    states, within their range; None: the range of the states of all classes.
    Departs: a class that is hardly ever read out correctly takes all its trials; the authors divide
    0 by 0.
    """
    n_classes = final.shape[1]
    label = read(group, noise, final.flatten(1, 2)).unflatten(1, final.shape[1:3])
    correct = label == torch.arange(1, n_classes + 1).unsqueeze(-1)  # [M, N, B]
    n_correct = correct.sum(-1)
    weight = (correct | (n_correct < N_CORRECT).unsqueeze(-1)).to(final.dtype).unsqueeze(-1)
    centres = (weight * final).sum(2) / weight.sum(2)
    if n_deviations is None:
        lower, upper = (
            edge.unsqueeze(1).expand_as(centres)
            for edge in (final.amin((1, 2)), final.amax((1, 2)))
        )
        return Starts(centres, lower, upper, n_correct)
    deviation = ((weight * (final - centres.unsqueeze(2)) ** 2).sum(2) / weight.sum(2)).sqrt()
    lower = torch.maximum(centres - n_deviations * deviation, final.amin(2))
    upper = torch.minimum(centres + n_deviations * deviation, final.amax(2))
    return Starts(centres, lower, upper, n_correct)


def outputs(group: Group, noise: Tensor, packed: Tensor) -> Tensor:
    """Return the outputs at a virtual trigger under the mean of the noise.

    noise: [M, seen - 1], as from `mean_noise`; packed: [M, B, S] -> [M, B, classes + 1]
    """
    x = with_trigger(noise, 1.0).unsqueeze(1)
    return answer(group, prepared(group), x, unpack(group.network, packed))


def read(group: Group, noise: Tensor, packed: Tensor) -> Tensor:
    """Return the output that wins there.    -> [M, B]"""
    return outputs(group, noise, packed).argmax(-1)
