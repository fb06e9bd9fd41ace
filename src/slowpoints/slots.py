"""Slots: which runs train at the moment. A run that ends hands its slot to the next; with none left the slot closes.

Runs begin and end at looks only, so all slots stay in step between looks. No run's numbers depend on its slot or on
its neighbours: a run alone is the run in a stack, whatever the number of slots.
"""

import os
from typing import Any

import torch
from torch import Tensor

from slowpoints.optimise import Moments, Pace, pace, rules, update, views

NUMBERS = {"cpu": 8_000_000, "cuda": 250_000_000}  # enough work in a step for its calls to cost little; more gains none
MOST = {"cpu": 64, "cuda": 1024}
SETTING = "SLOWPOINTS_SLOTS"  # a number, or auto


def width_for(numbers: int, device: torch.device) -> int:
    """Return how many runs to train at once.    numbers: what one step of one run computes

    Measured on a CPU (docs/speed.md): a step costs .6 ms beside its arithmetic, and a run costs the least from here on.
    """
    setting = os.environ.get(SETTING, "auto")
    if setting != "auto":
        return int(setting)
    return max(1, min(MOST[device.type], -(-NUMBERS[device.type] // numbers)))


class Slots:
    """The parameters of all runs, and what the optimiser keeps of those in training."""

    def __init__(
        self, trains: list[dict[str, Any]], first: dict[str, Tensor], weights: Tensor, *, device: torch.device
    ) -> None:
        """Start with all slots closed.    first: values [N, ...] name the columns of weights: [N, P]"""
        self.trains, self.device = trains, device
        self.shapes = {name: tuple(value.shape[1:]) for name, value in first.items()}
        self.weights = weights  # initial ones of runs that wait, final ones of runs that have ended
        self.members: list[int] = []  # the run in each slot
        self.begun: list[int] = []  # the tick of the stack at which that run began
        nothing = torch.empty(0, weights.shape[1], device=device)
        self._hold(nothing, Moments(nothing, nothing))

    def _hold(self, flat: Tensor, moments: Moments) -> None:
        self.flat, self.moments = flat, moments
        self.params = views(flat, self.shapes)
        self.rules = rules([self.trains[run] for run in self.members], self.device)

    def steps(self, tick: int) -> list[int]:
        """Return how many steps the run in each slot has taken."""
        return [tick - begun for begun in self.begun]

    def open(self, runs: list[int], *, tick: int) -> None:
        """Give new slots to runs that wait."""
        self.members, self.begun = self.members + runs, self.begun + [tick] * len(runs)
        flat = torch.cat([self.flat, self.weights[runs].to(self.device)])
        rows = torch.zeros(len(runs), flat.shape[1], device=self.device)
        self._hold(flat, Moments(*(torch.cat([old, rows]) for old in self.moments)))

    def close(self, runs: list[int]) -> None:
        """Keep the weights of runs that have ended, and close their slots."""
        keep = [slot for slot, run in enumerate(self.members) if run not in runs]
        for run, row in zip(self.members, self.flat, strict=True):
            if run in runs:
                self.weights[run] = row.cpu()
        self.members, self.begun = [self.members[slot] for slot in keep], [self.begun[slot] for slot in keep]
        self._hold(self.flat[keep], Moments(*(old[keep] for old in self.moments)))

    def pace(self, tick: int) -> Pace:
        """Return how far each slot goes in the next step."""
        return pace([self.trains[run] for run in self.members], self.steps(tick), self.device)

    def step(self, loss: Tensor, now: Pace) -> Tensor:
        """Take one optimiser step downhill on the loss of every slot; return which took it.    loss: [m] -> [m]"""
        grads = torch.autograd.grad(loss.sum(), list(self.params.values()))
        return update(self.flat, grads, self.moments, self.rules, now)

    def changing(self) -> list[Tensor]:
        """Return the tensors that a step changes in place."""
        return [self.flat, *self.moments]

    def state(self) -> tuple[dict[str, Tensor], dict[str, list[int]]]:
        """Return all that a checkpoint must keep: arrays, and plain values."""
        arrays = {
            "weights": self.weights,
            "flat": self.flat,
            "first": self.moments.first,
            "second": self.moments.second,
        }
        return arrays, {"members": self.members, "begun": self.begun}

    def restore(self, arrays: dict[str, Tensor], values: dict[str, list[int]]) -> None:
        """Go on from a saved state."""
        self.members, self.begun = values["members"], values["begun"]
        self.weights = arrays["weights"]
        self._hold(arrays["flat"].to(self.device),
                   Moments(*(arrays[name].to(self.device) for name in ("first", "second"))))  # fmt: skip
