"""The speed regulariser (Haviv et al. 2019): make chosen states move less in one step under noisy input."""

from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.engine import Network, measure, pack, prepare, step, unpack
from slowpoints.stack import generator

COPIES = 10  # the authors' copies of each class's state, every one with its own noise


class Regulariser:
    """Penalty lambda * sum over states of the squared displacement; lambda may differ between runs."""

    def __init__(
        self, runs: list[dict[str, Any]], task: ModuleType, settings: Any, worlds: list[Any], states: Tensor
    ) -> None:
        """Take the states to slow down.    states: [M, N, S], constants while the weights change"""
        self.task, self.settings, self.worlds = task, settings, worlds
        self.states = states.float().repeat_interleave(COPIES, 1)
        self.strength = torch.tensor([run["train"]["strength"] for run in runs])
        self.rngs = [generator(run, "regulariser") for run in runs]

    def __call__(self, net: Network, params: dict[str, Tensor]) -> Tensor:
        """Return the penalty of every run, with fresh full noise frames as input.    -> [M]"""
        rows = self.states.shape[1]
        frames = [
            self.task.noise(self.settings, world, rows=rows, rng=rng)
            for world, rng in zip(self.worlds, self.rngs, strict=True)
        ]
        states = self.states.to(params["readout.W"].device)
        _, moved = step(net, prepare(net, params), torch.stack(frames).to(states), unpack(net, states))
        of = measure(net)
        squared = (of(pack(moved)) - of(states)).square().sum((1, 2))
        strength = self.strength.to(squared)
        return torch.where(strength > 0, strength * squared, torch.zeros_like(squared))

    def state(self) -> Tensor:
        """Return the random state of every run.    -> [M, bytes]"""
        return torch.stack([rng.get_state() for rng in self.rngs])

    def restore(self, state: Tensor) -> None:
        """Go on from a saved random state.    state: [M, bytes]"""
        for rng, own in zip(self.rngs, state, strict=True):
            rng.set_state(own.clone())  # torch reads the storage from its start


class Start(NamedTuple):
    """Where fine-tuning starts.    values of params: [M, ...]; states: [M, N, S]"""

    params: dict[str, Tensor]
    states: Tensor
