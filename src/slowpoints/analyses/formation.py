"""How slow points form (Haviv et al. 2019): every class's point followed backwards through the
checkpoints.

The paper's own procedure is known second-hand: start at the final points, and find each again at
the checkpoint before. Read-outs are taken twice: among all outputs, and among null and the classes
then in the vocabulary. What a class remembers at a checkpoint is measured on held-out images, among
the outputs in use.

Departs: a point stays near the states that its class's images lead to at the time, also before the
class is introduced. Left to itself a point slides along its valley, checkpoint by checkpoint, into
that of another class, even over the last quarter of training, where the network hardly changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slowpoints.analyses._centres import outputs
from slowpoints.analyses._delayed import as_table, chosen_images, world
from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._tracking import (
    Tracked,
    checkpoint,
    in_use,
    n_checkpoints,
    tracked,
    winner,
)
from slowpoints.analyses.memory_curve import answers, trials
from slowpoints.analyses.slow_points import KINDS
from slowpoints.dynamics import spectrum
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group, rows_of

NEEDS: tuple[str, ...] = ("slow_points",)
TOGETHER = (
    10  # networks followed at once: more would hold more Jacobians than a laptop's memory likes
)
COLUMNS = (
    "class",
    "step",
    "n_classes",
    "n_used_steps",
    "speed",
    "kind",
    "spectral_radius",
    "label",
    "label_in_use",
    "moved",
    "pc1",
    "nearest",
    "distance",
    "accuracy_at_{delay}",
)
OF_SNAPSHOTS = True


@dataclass(frozen=True)
class Settings:
    """How far points may move between checkpoints, and how memory is measured there."""

    n_images: int = 50  # per class, of the training images: where a class's states are
    n_wait: int = 14  # steps of noise after the stimulus
    noise_divisor: float = 3.0
    reach: float = 2.0  # standard deviations of the class's states around their mean, as at the end
    max_iterations: int = 300
    delays: tuple[int, ...] = (10, 50)
    n_held_out: int = 10  # images per class on which memory is measured
    n_noise: int = 3

    def __post_init__(self) -> None:
        """Refuse delays that do not increase, and empty samples."""
        if not self.delays or self.delays[0] < 1 or list(self.delays) != sorted(set(self.delays)):
            raise ValueError(
                f"formation: delays are {list(self.delays)}; must increase from 1 or more"
            )
        if (
            min(self.n_images, self.n_held_out, self.n_noise, self.max_iterations) < 1
            or self.n_wait < 0
        ):
            raise ValueError(
                "formation: n_images, n_held_out, n_noise and max_iterations must be at least "
                "1, n_wait at least 0"
            )
        if self.noise_divisor <= 0 or self.reach < 0:
            raise ValueError("formation: noise_divisor must be positive, and reach 0 or more")


def run(given: Given) -> Result:
    """Return one row per network, checkpoint and class.

    Per run "path", the points [K, N, S] in order of time.

    label, label_in_use: the class read out at the point (-1: null), among all outputs and among
    those in use;
    moved: distance to where the point is at the next checkpoint; pc1: along the leading principal
    component of all points of the network; nearest: the class whose point is nearest;
    accuracy_at_<delay>: of the class.
    """
    rows: list[dict[str, Any]] = []
    paths: dict[str, Tensor] = {}
    for group in given.groups:
        if not n_checkpoints(group):
            raise ValueError("formation reads checkpoints: set train.snapshots")
        for first in range(0, len(group.records), TOGETHER):
            part = rows_of(group, slice(first, first + TOGETHER))
            points = torch.stack(
                [given.arrays["slow_points"][f"{record.id}/points"] for record in part.records]
            )
            found, path = _followed(part, points, given.settings, data_dir=given.data_dir)
            rows += found
            paths |= path
    held = (COLUMNS[-1].format(delay=delay) for delay in given.settings.delays)
    columns = (*COLUMNS[:-1], *held)
    return as_table(rows, records=given.records, columns=columns), paths


def _followed(
    group: Group, points: Tensor, settings: Settings, *, data_dir: Path
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """Return rows and paths of some networks, followed together.    points: [m, N, S]"""
    images_and_noise = world(group, data_dir=data_dir)
    rng = torch.Generator().manual_seed(seed_of(group.records[0].run.experiment, "formation"))
    images = chosen_images(
        group, images_and_noise.images["train"], n_images=settings.n_images, rng=rng
    )
    path = list(
        tracked(
            group,
            images_and_noise,
            images,
            points=points,
            reach=settings.reach,
            n_wait=settings.n_wait,
            std=images_and_noise.std / settings.noise_divisor,
            rng=rng,
            max_iterations=settings.max_iterations,
        )
    )[::-1]
    whole = torch.stack([at.found.point for at in path], 1)  # [m, K, N, S]
    along, after = _leading(whole), torch.cat([whole[:, 1:], whole[:, -1:]], 1)
    rows = []
    for at in path:
        moved = (after[:, at.number] - at.found.point).norm(dim=-1)
        columns = _columns(at) | {"moved": moved, "pc1": along[:, at.number]}
        columns |= _memory(group, at.number, images_and_noise, settings)
        rows += list(_rows(at, columns))
    return rows, {
        f"{record.id}/path": whole[m].contiguous() for m, record in enumerate(group.records)
    }


def _leading(path: Tensor) -> Tensor:
    """Return where points are along each network's leading principal component.

    [m, K, N, S] -> [m, K, N]
    """
    flat = path.flatten(1, 2)
    centred = flat - flat.mean(1, keepdim=True)
    axis = torch.linalg.svd(centred, full_matrices=False).Vh[:, :1]
    axis = axis * axis.sum(-1, keepdim=True).sign()  # of the two directions, always the same one
    return (centred @ axis.mT).squeeze(-1).unflatten(1, path.shape[1:3])


def _columns(at: Tracked) -> dict[str, Tensor]:
    """Return what is known of the points at one checkpoint.    -> values [m, N]"""
    out = outputs(at.group, at.mean, at.found.point)
    n_classes = [in_use(record, at.number)["n_classes"] for record in at.group.records]
    apart = torch.cdist(at.found.point, at.found.point)
    apart.diagonal(dim1=-2, dim2=-1).fill_(torch.inf)
    return {
        "speed": at.found.speed,
        "spectral_radius": spectrum(at.jacobian)[..., 0].abs(),
        "label": winner(out, n_classes=[out.shape[-1]] * len(n_classes)),
        "label_in_use": winner(out, n_classes=n_classes),
        "nearest": apart.argmin(-1),
        "distance": apart.amin(-1),
    }


def _memory(
    group: Group, index: int, images_and_noise: World, settings: Settings
) -> dict[str, Tensor]:
    """Return how well every class is remembered at a checkpoint, among the outputs in use.

    -> values [m, N]
    """
    then = checkpoint(group, index)
    rng = torch.Generator().manual_seed(
        seed_of(group.records[0].run.experiment, "formation", "memory")
    )
    stimulus, label, frames = trials(
        then, images_and_noise, n_images=settings.n_held_out, n_noise=settings.n_noise, rng=rng
    )
    n_classes = [in_use(record, index)["n_classes"] for record in group.records]
    return {
        f"accuracy_at_{delay}": (winner(out, n_classes=n_classes) == label)
        .double()
        .unflatten(1, (group.settings.n_classes, -1))
        .mean(2)
        for delay, out in answers(then, stimulus, frames, delays=settings.delays)
    }


def _rows(at: Tracked, columns: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
    values = {name: value.tolist() for name, value in columns.items()}
    kinds = at.found.kind.tolist()
    for m, record in enumerate(at.group.records):
        own = identity(record) | in_use(record, at.number)
        for k, kind in enumerate(kinds[m]):
            yield (
                own
                | {"class": k, "kind": KINDS[kind]}
                | {name: value[m][k] for name, value in values.items()}
            )
