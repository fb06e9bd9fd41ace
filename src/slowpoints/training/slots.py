"""Slots: which runs train at the moment.

A run that ends hands its slot to the next; with none left the slot closes.

Runs begin and end at evaluations only, so all slots stay in step between evaluations. On a CPU no
run's numbers depend on its slot or on its neighbours: a run alone is bit-identical to the run in a
stack, whatever the number of slots. On a GPU the order of a sum may depend on how many run at once:
there it is the same run to rounding.
"""

import os
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.spec.training import TrainSettings
from slowpoints.training.optimiser import Moments, Pace, Rules, pace, rules, update, views

# for a CPU measured: more gains little; for a GPU a guess
NUMBERS = {"cpu": 8_000_000, "cuda": 250_000_000}
MOST = {"cpu": 64, "cuda": 1024}
SETTING = "SLOWPOINTS_SLOTS"  # a number, or auto


def width_for(numbers: int, device: torch.device) -> int:
    """Return how many runs to train at once.    numbers: what one step of one run computes

    Each step costs up to half a millisecond beside its arithmetic: it should have enough of that.
    """
    setting = os.environ.get(SETTING, "auto")
    if setting != "auto":
        return max(1, int(setting))
    return max(1, min(MOST[device.type], -(-NUMBERS[device.type] // numbers)))


class Part(NamedTuple):
    """Neighbouring slots that take their steps together.

    Views of what the stack holds, so that one sees the other.
    """

    rows: slice
    params: dict[str, Tensor]
    flat: Tensor
    moments: Moments
    rules: Rules


def step(part: Part, loss: Tensor, now: Pace, carried: dict[str, Tensor] | None = None) -> Tensor:
    """Take one optimiser step downhill on the loss of each slot of a part; return which took it.

    carried: what gradients are divided by, by parameter; loss: [m] -> [m]
    """
    grads = torch.autograd.grad(loss.sum(), list(part.params.values()))
    if carried is not None:
        grads = tuple(grad / carried[name] for name, grad in zip(part.params, grads, strict=True))
    return update(part.flat, grads, part.moments, part.rules, now)


class Slots:
    """The parameters of all runs, and what the optimiser keeps of those in training."""

    def __init__(
        self,
        trains: list[TrainSettings],
        first: dict[str, Tensor],
        weights: Tensor,
        *,
        device: torch.device,
        n_parts: int = 1,
    ) -> None:
        """Start with all slots closed.

        first: values [N, ...] name the columns of weights: [N, P]

        n_parts: how many groups take their steps one after the other, where memory is short
        """
        self.trains, self.device, self.n_parts = trains, device, n_parts
        self.shapes = {name: tuple(value.shape[1:]) for name, value in first.items()}
        self.weights = weights  # initial ones of runs that wait, final ones of runs that have ended
        self.members: list[int] = []  # the run in each slot
        self.begun: list[int] = []  # the tick of the stack at which that run began
        nothing = torch.empty(0, weights.shape[1], device=device)
        self._hold(nothing, Moments(nothing, nothing))

    def _hold(self, flat: Tensor, moments: Moments) -> None:
        self.flat, self.moments = flat, moments
        self.params = views(flat, self.shapes)
        self.rules = self._rules()
        size = max(1, -(-len(flat) // self.n_parts))
        self.parts = [self._part(slice(start, start + size)) for start in range(0, len(flat), size)]

    def _part(self, rows: slice) -> Part:
        moments = Moments(*(m[rows] for m in self.moments))
        own = Rules(*(rule[rows] for rule in self.rules))
        return Part(rows, views(self.flat[rows], self.shapes), self.flat[rows], moments, own)

    def _rules(self) -> Rules:
        return rules([self.trains[run] for run in self.members], self.device)

    def steps(self, tick: int) -> list[int]:
        """Return how many steps the run in each slot has taken."""
        return [tick - begun for begun in self.begun]

    def change(self, ended: list[int], entering: list[int], *, tick: int) -> bool:
        """Keep the weights of runs that have ended, and hand their slots to others.

        Return whether slots stay as many.

        Then all tensors stay where they are. Slots that nobody takes are closed, those that are
        missing opened.
        """
        free = [slot for slot, run in enumerate(self.members) if run in ended]
        for slot in free:
            self.weights[self.members[slot]] = self.flat[slot].cpu()
        for slot, run in zip(free, entering, strict=False):
            self.members[slot], self.begun[slot] = run, tick
            self.flat[slot] = self.weights[run].to(self.device)
            for moment in self.moments:
                moment[slot] = 0
        closed, opened = free[len(entering) :], entering[len(free) :]
        if not closed and not opened:
            for old, new in zip(self.rules, self._rules(), strict=True):
                old.copy_(new)
            return True
        keep = [slot for slot in range(len(self.members)) if slot not in closed]
        self.members = [self.members[slot] for slot in keep] + opened
        self.begun = [self.begun[slot] for slot in keep] + [tick] * len(opened)
        flat = torch.cat([self.flat[keep], self.weights[opened].to(self.device)])
        rows = torch.zeros(len(opened), flat.shape[1], device=self.device)
        self._hold(flat, Moments(*(torch.cat([old[keep], rows]) for old in self.moments)))
        return False

    def look_ahead(self, tick: int, *, steps: int) -> None:
        """Make the paces of all slots for the next steps, on the device."""
        trains = [self.trains[run] for run in self.members]
        own = [pace(trains, self.steps(tick + step)) for step in range(steps)]
        self.paces, self.paced_from = torch.stack(own).to(self.device), tick

    def pace(self, tick: int) -> Pace:
        """Return how far each slot goes in the next step."""
        return Pace(*self.paces[tick - self.paced_from])

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
        own = {name: arrays[name].clone().to(self.device) for name in ("flat", "first", "second")}
        # clones: files are read to any address
        self._hold(own["flat"], Moments(own["first"], own["second"]))
