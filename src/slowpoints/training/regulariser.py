"""The speed regulariser (Haviv et al. 2019): make chosen states move less in one step.

The authors slow down the points of trained networks, each with fresh noise as input
("slow_points"), or the centres of their classes ("centres"). Beyond them: states where the
sequences of the batch end, from the first step of training ("visited"); and what must not help if
it is the points that matter: each unit's values dealt anew among the classes ("shuffled"), and
uniform numbers in the range of the points ("random").

Under noise the squared displacement is the sum of two parts, which `kick` can penalise one by one:
the drift, that under the mean of the noise, and the scatter, that about its own mean. Both are
summed over the units, the classes and 10 copies of each, as the authors do: the same strength
weighs less in a network of fewer units.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.engine import Network, States, measure, pack, prepare, see, step, unpack
from slowpoints.engine.draws import Draws
from slowpoints.spec.run import Run
from slowpoints.tasks import Task
from slowpoints.training.stack import draws, key_of

COPIES = 10  # the authors' copies of each class's state, every one with its own noise


class Start(NamedTuple):
    """Where fine-tuning starts.    values of params: [M, ...]; states: [M, N, S]"""

    params: dict[str, Tensor]
    states: Tensor


class Kicks(NamedTuple):
    """What the penalty of m runs is computed from in one step."""

    frames: Tensor  # [m, K, I] inputs: noise, fresh in every step, or its mean
    states: Tensor  # [m, K, S] the states to slow down; K is 0 where the batch's own are taken
    strength: Tensor  # [m] lambda, beside the loss in use
    centred: Tensor  # [m] 1 where the mean over the copies is taken off, else 0
    loss_weight: Tensor  # [m] of the task's loss


class Regulariser:
    """Whose states are slowed down, how strongly, and under which noise."""

    def __init__(
        self,
        runs: list[Run],
        task: Task,
        settings: Any,
        worlds: list[Any],
        points: Tensor | None,
        device: torch.device,
    ) -> None:
        """Take the points to start from, constants while the weights change.

        Without any, visited states are taken.

        points: [N, points, S]
        """
        self.runs = runs
        self.task = task
        self.settings = settings
        self.worlds = worlds
        self.device = device
        self.states = torch.empty(len(runs), 0, 0, device=device)
        self.rows = runs[0].train.batch
        if points is not None:
            own = [chosen(run, value) for run, value in zip(runs, points.float(), strict=True)]
            self.states = torch.stack(own).repeat_interleave(COPIES, 1).to(device)
            self.rows = self.states.shape[1]
        scale = task.loss_scale(settings)
        self.strength = torch.tensor([scale * run.train.strength for run in runs]).to(device)
        self.centred = torch.tensor([float(run.train.kick == "scatter") for run in runs]).to(device)
        self.loss_weight = torch.tensor([run.train.loss_weight for run in runs]).to(device)
        self.keys = [key_of(run, "regulariser") for run in runs]

    def __call__(self, members: list[int], steps: list[int]) -> Kicks:
        """Return what some runs need, each at its own 0-based step."""
        frames = self._frames(members, steps)
        strength, centred = self.strength[members], self.centred[members]
        return Kicks(frames, self.states[members], strength, centred, self.loss_weight[members])

    def _frames(self, members: list[int], steps: list[int]) -> Tensor:
        """Return inputs of some runs.    -> [m, K, I]"""
        alike: dict[Any, list[int]] = {}
        for i, run in enumerate(members):
            is_mean = self.runs[run].train.kick == "mean"
            alike.setdefault((is_mean, id(self.worlds[run])), []).append(i)
        parts: list[Tensor] = [torch.empty(0)] * len(members)
        for (is_mean, _), own in alike.items():
            make = self.task.mean_noise if is_mean else self.task.noise
            world = self.worlds[members[own[0]]]
            keys, at = [self.keys[members[i]] for i in own], [steps[i] for i in own]
            rng = Draws(keys, steps=at, device=self.device)
            frames = make(self.settings, world, rows=self.rows * len(own), rng=rng)
            for i, part in zip(own, frames.unflatten(0, (len(own), -1)), strict=True):
                parts[i] = part
        return torch.stack(parts)


def chosen(run: Run, points: Tensor) -> Tensor:
    """Return the states that a run slows down, made from the points it starts with.

    [N, S] -> [N, S]
    """
    kind, rng = run.train.regularise, draws(run, "states", points.device)
    if kind == "shuffled":
        return points.gather(0, rng.random(*points.shape).argsort(0))
    if kind == "random":
        low, high = points.amin(0), points.amax(0)
        return low + (high - low) * rng.random(*points.shape)
    return points


def regularised(
    net: Network, params: dict[str, Tensor], loss: Tensor, final: States | None, kicks: Kicks
) -> Tensor:
    """Return the weighted loss plus lambda times the summed squared displacement of the states in
    one step.

    final: the states where the batch's sequences end, each [m, B, H], which are slowed down where
    there are no others; values of params: [m, ...]; loss: [m] -> [m]
    """
    states = kicks.states if final is None else pack(final).detach()
    _, moved = step(net, prepare(net, params), see(net, params, kicks.frames), unpack(net, states))
    of = measure(net)
    displaced = of(pack(moved)) - of(states)
    if final is None:
        displaced = about_mean(displaced, kicks.centred)
    squared = displaced.square().sum((1, 2))
    penalty = torch.where(kicks.strength > 0, kicks.strength * squared, torch.zeros_like(squared))
    return kicks.loss_weight * loss + penalty


def about_mean(displaced: Tensor, centred: Tensor) -> Tensor:
    """Return displacements less their mean over the copies of a state, of the runs that ask for it.

    They are stretched so that their squares sum to what they would about the mean over all noise.
    displaced: [m, states x copies, S]; centred: [m], 1 or 0
    """
    copies = displaced.unflatten(1, (-1, COPIES))
    share = centred[:, None, None, None]
    stretch = 1 + share * ((COPIES / (COPIES - 1)) ** 0.5 - 1)
    return ((copies - share * copies.mean(2, keepdim=True)) * stretch).flatten(1, 2)
