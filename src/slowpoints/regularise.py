"""The speed regulariser (Haviv et al. 2019): make chosen states move less in one step under noisy input."""

from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.engine import Network, measure, pack, prepare, see, step, unpack
from slowpoints.stack import generator

COPIES = 10  # the authors' copies of each class's state, every one with its own noise


class Kicks(NamedTuple):
    """What the penalty of m runs is computed from in one step."""

    frames: Tensor  # [m, K, I] noise, fresh in every step
    states: Tensor  # [m, K, S] the states to slow down, each COPIES times
    strength: Tensor  # [m] lambda

    def to(self, device: torch.device) -> "Kicks":
        """Return the same on a device."""
        return Kicks(*(part.to(device) for part in self))


class Regulariser:
    """Whose states are slowed down, how strongly, and the random stream of each run's noise."""

    def __init__(
        self, runs: list[dict[str, Any]], task: ModuleType, settings: Any, worlds: list[Any], states: Tensor
    ) -> None:
        """Take the states to slow down.    states: [N, points, S], constants while the weights change"""
        self.task, self.settings, self.worlds = task, settings, worlds
        self.states = states.float().repeat_interleave(COPIES, 1)
        self.strength = torch.tensor([run["train"]["strength"] for run in runs])
        self.rngs = [generator(run, "regulariser") for run in runs]

    def __call__(self, members: list[int]) -> Kicks:
        """Return what some runs need for one step, with fresh full noise frames as input."""
        rows = self.states.shape[1]
        frames = [self.task.noise(self.settings, self.worlds[i], rows=rows, rng=self.rngs[i]) for i in members]
        states = self.states[members]
        return Kicks(torch.stack(frames).to(states), states, self.strength[members].to(states))

    def state(self) -> Tensor:
        """Return the random state of every run.    -> [M, bytes]"""
        return torch.stack([rng.get_state() for rng in self.rngs])

    def restore(self, state: Tensor) -> None:
        """Go on from a saved random state.    state: [M, bytes]"""
        for rng, own in zip(self.rngs, state, strict=True):
            rng.set_state(own.clone())  # torch reads the storage from its start


def penalty(net: Network, params: dict[str, Tensor], kicks: Kicks) -> Tensor:
    """Return lambda * summed squared displacement of the states in one step, run by run.    params: [m, ...] -> [m]"""
    _, moved = step(net, prepare(net, params), see(net, params, kicks.frames), unpack(net, kicks.states))
    of = measure(net)
    squared = (of(pack(moved)) - of(kicks.states)).square().sum((1, 2))
    return torch.where(kicks.strength > 0, kicks.strength * squared, torch.zeros_like(squared))


class Start(NamedTuple):
    """Where fine-tuning starts.    values of params: [M, ...]; states: [M, N, S]"""

    params: dict[str, Tensor]
    states: Tensor
