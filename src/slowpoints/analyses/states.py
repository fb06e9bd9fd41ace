"""Where the memories are: hidden states of one network per arm on their leading two principal
components.

Held-out images are shown at step 0, noise from then on, as in the memory curve. The components are
those of the network's own states at all delays together, in the space in which speed is measured: h
for most cells, h and tanh c for the LSTM. Slow points and trajectories are seen from the same two
directions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.analyses._chosen import representatives
from slowpoints.analyses._delayed import answer, as_table, chosen_images, prepared, seen, world
from slowpoints.analyses._given import Given, Result
from slowpoints.analyses.memory_curve import noise, rollout
from slowpoints.engine import measure, pack
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.training.stack import Group

NEEDS: tuple[str, ...] = ("slow_points", "memory_curve")
COLUMNS = ("kind", "class", "item", "delay", "pc1", "pc2", "share1", "share2", "correct")


@dataclass(frozen=True)
class Settings:
    """When the states are looked at, and how many there are."""

    delays: tuple[int, ...] = (20, 1000)
    n_images: int = 20  # per class, held out
    n_followed: int = 1  # images per class whose trajectory is kept
    # steps between the points of a trajectory after the first delay; before it every step counts
    every: int = 10

    def __post_init__(self) -> None:
        """Refuse delays that do not increase, and empty samples."""
        if not self.delays or self.delays[0] < 1 or list(self.delays) != sorted(set(self.delays)):
            raise ValueError(
                f"states: delays are {list(self.delays)}; must increase from 1 or more"
            )
        if min(self.n_images, self.n_followed, self.every) < 1:
            raise ValueError("states: n_images, n_followed and every must be at least 1")


class Seen(NamedTuple):
    """States of the chosen networks of a group, and whether they were read out correctly."""

    delays: tuple[int, ...]
    states: Tensor  # [M, delay, class, item, S], measured
    correct: Tensor  # [M, delay, class, item]


class Plane(NamedTuple):
    """The plane of the leading two principal components."""

    mean: Tensor  # [S]
    axes: Tensor  # [2, S], orthonormal
    share: Tensor  # [2] of the variance


def run(given: Given) -> Result:
    """Return one row per state, point of a trajectory and slow point.

    Per run "mean" [S], "axes" [2, S].

    kind: state, trajectory or slow_point; share1, share2: of the variance of the states, along each
    component;
    correct: the class wins at a trigger at that time. Slow points have neither item nor delay.
    """
    rows: list[dict[str, Any]] = []
    kept: dict[str, Tensor] = {}
    labels = given.tables["slow_points"].set_index(["run", "class"])["label"]
    for group in representatives(given.groups, given.tables["memory_curve"]):
        seen = _seen(group, given.settings, data_dir=given.data_dir)
        for m, record in enumerate(group.records):
            name = record.id
            plane = _plane(_at(seen, given.settings.delays).states[m].flatten(0, -2))
            points = measure(group.network)(given.arrays["slow_points"][f"{name}/points"])
            who = identity(record) | {
                "share1": float(plane.share[0]),
                "share2": float(plane.share[1]),
            }
            rows += [who | row for row in _rows(seen, m, plane, given.settings)]
            rows += [
                who
                | {
                    "kind": "slow_point",
                    "class": k,
                    "pc1": x,
                    "pc2": y,
                    "correct": bool(labels[name, k] == k),
                }
                for k, (x, y) in enumerate(_projected(plane, points).tolist())
            ]
            kept |= {f"{name}/mean": plane.mean, f"{name}/axes": plane.axes}
    table = as_table(rows, records=given.records, columns=COLUMNS)
    return table.astype({"item": "Int64", "delay": "Int64"}), kept


@torch.no_grad()
def _seen(group: Group, settings: Settings, *, data_dir: Path) -> Seen:
    """Return the states of some networks, all under the same images and noise, at every delay that
    is kept.
    """
    task = world(group, data_dir=data_dir)
    rng = torch.Generator().manual_seed(seed_of(group.records[0].run.experiment, "states"))
    images = chosen_images(group, task.images["test"], n_images=settings.n_images, rng=rng)
    stimulus, size = images.flatten(0, 1), images.shape[:2]
    frames = noise(stimulus, mean=task.mean, std=task.std, rng=rng)
    first, last = settings.delays[0], settings.delays[-1]
    delays = tuple(
        sorted({*range(1, first), *range(first, last, settings.every), *settings.delays})
    )
    label = torch.arange(1, len(images) + 1).unsqueeze(-1)
    weights, measured = prepared(group), measure(group.network)
    states, correct = [], []
    for _, frame, now in rollout(group, stimulus, frames, delays=delays):
        states.append(measured(pack(now)).unflatten(1, size))
        correct.append(
            answer(group, weights, seen(group, frame, 1.0), now).argmax(-1).unflatten(1, size)
            == label
        )
    return Seen(delays, torch.stack(states, 1).double(), torch.stack(correct, 1))


def _at(seen: Seen, delays: tuple[int, ...]) -> Seen:
    """Return what was seen at some of the delays."""
    rows = [seen.delays.index(delay) for delay in delays]
    return Seen(delays, seen.states[:, rows], seen.correct[:, rows])


def _plane(states: Tensor) -> Plane:
    """Return the plane in which the states vary most, each axis signed so that its largest entry is
    positive.

    states: [n, S]
    """
    mean = states.mean(0)
    _, spread, axes = torch.linalg.svd(states - mean, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    variance = spread.square()
    return Plane(mean, (axes * largest.sign())[:2].contiguous(), (variance / variance.sum())[:2])


def _projected(plane: Plane, states: Tensor) -> Tensor:
    """Return coordinates in the plane.    states: [..., S] -> [..., 2]"""
    return (states - plane.mean) @ plane.axes.T


def _rows(seen: Seen, m: int, plane: Plane, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the states of network `m` at the delays asked for, and the trajectories of the first
    items.
    """
    for kind, delays, n_items in (
        ("state", settings.delays, settings.n_images),
        ("trajectory", seen.delays, settings.n_followed),
    ):
        own = _at(seen, delays)
        place = _projected(plane, own.states[m, :, :, :n_items])
        correct = own.correct[m, :, :, :n_items]
        for d, delay in enumerate(delays):
            for k, item in torch.cartesian_prod(
                *(torch.arange(n) for n in correct.shape[1:])
            ).tolist():
                x, y = place[d, k, item].tolist()
                yield {"kind": kind, "class": k, "item": item, "delay": delay, "pc1": x, "pc2": y,
                       "correct": bool(correct[d, k, item])}  # fmt: skip
