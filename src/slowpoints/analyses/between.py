"""How fast states move between the slow points of a network.

The speed along straight lines from point to point.

A rise between two slow points is what parts their memories. One network per arm, the one that
`states` shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slowpoints.analyses._centres import read
from slowpoints.analyses._chosen import representatives
from slowpoints.analyses._delayed import as_table, mean_noise, with_trigger, world
from slowpoints.analyses._given import Given, Result
from slowpoints.dynamics import speed
from slowpoints.engine import measure, state_map
from slowpoints.provenance.records import identity
from slowpoints.training.stack import Group, in_float64, rows_of

NEEDS: tuple[str, ...] = ("slow_points", "memory_curve")
COLUMNS = ("class", "other", "distance", "nearest", "fraction", "speed", "label")


@dataclass(frozen=True)
class Settings:
    """How finely the lines are sampled."""

    n_fractions: int = 41  # both ends included

    def __post_init__(self) -> None:
        """Refuse lines without their ends."""
        if self.n_fractions < 2:
            raise ValueError(f"between: n_fractions is {self.n_fractions}; must be at least 2")


def run(given: Given) -> Result:
    """Return one row per network, pair of its slow points and place on the line between them.

    fraction: of the way from the point of `class` (0) to that of `other` (1); distance: of the two
    points, in the space in which speed is measured; nearest: one is the other's nearest; label: the
    class read out there (-1: null).
    """
    rows = [
        row
        for group in representatives(given.groups, given.tables["memory_curve"])
        for row in _lines(
            group, given.arrays["slow_points"], given.settings, data_dir=given.data_dir
        )
    ]
    return as_table(rows, records=given.records, columns=COLUMNS), {}


def _lines(
    group: Group, points: dict[str, Tensor], settings: Settings, *, data_dir: Path
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one group."""
    for m, record in enumerate(group.records):
        own = in_float64(rows_of(group, [m]))
        yield from (
            identity(record) | row
            for row in _own_lines(own, points[f"{record.id}/points"], settings, data_dir)
        )


@torch.no_grad()
def _own_lines(
    group: Group, points: Tensor, settings: Settings, data_dir: Path
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one network, in float64.    points: [N, S]"""
    task, net = world(group, data_dir=data_dir), group.network
    pairs = torch.combinations(torch.arange(len(points)))  # [P, 2]
    fraction = torch.linspace(0, 1, settings.n_fractions, dtype=points.dtype)
    first, second = points[pairs[:, 0], None], points[pairs[:, 1], None]
    places = (1 - fraction[:, None]) * first + fraction[:, None] * second  # [P, fraction, S]
    line = places.flatten(0, 1).unsqueeze(0)
    mean = mean_noise(group, task)
    F = state_map(net, group.params, with_trigger(mean, 0.0))
    found = speed(F, line, measure=measure(net))[0].view(len(pairs), -1).tolist()
    label = (read(group, mean, line)[0] - 1).view(len(pairs), -1).tolist()
    apart = torch.cdist(
        measure(net)(points), measure(net)(points), compute_mode="donot_use_mm_for_euclid_dist"
    )
    nearest = apart.fill_diagonal_(torch.inf).argmin(-1).tolist()
    for p, (k, other) in enumerate(pairs.tolist()):
        pair = {"class": k, "other": other, "distance": float(apart[k, other]),
                "nearest": nearest[k] == other or nearest[other] == k}  # fmt: skip
        for at, value, read_out in zip(fraction.tolist(), found[p], label[p], strict=True):
            yield pair | {"fraction": at, "speed": value, "label": read_out}
