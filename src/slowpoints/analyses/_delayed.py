"""What the analyses of delayed classification share.

Images, noise, what networks see, the answer to a trigger.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from slowpoints.engine import States, prepare, readout, see, step
from slowpoints.engine.draws import Draws
from slowpoints.engine.fused import Layer
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks._images import World
from slowpoints.training import curricula
from slowpoints.training.stack import Group

# of noise, whose mean feature is the constant input of a network with a front (the authors' number)
N_FRAMES = 1000


def world(group: Group, *, data_dir: Path) -> World:
    """Return the images and the noise of a group; they are the same for all its networks."""
    return group.task.world(group.settings, n_parameters=0, rng=Draws([0]), data_dir=data_dir)


def stage_at(curriculum: str, task: dict[str, Any], *, step: int, steps: int) -> dict[str, int]:
    """Return the classes and the steps in use at a training step, where the curriculum changes
    neither: all.
    """
    whole = {
        "n_classes": task["n_classes"],
        "n_used_steps": task["n_used_steps"] or task["n_steps"],
    }
    return whole | curricula.stage(curriculum, step=step, steps=steps, settings=task)


def chosen_images(group: Group, images: Tensor, *, n_images: int, rng: torch.Generator) -> Tensor:
    """Return `n_images` images of every class in use, or all there are, drawn without replacement.

    images: [class, image, pixel] -> [class, n, pixel]
    """
    order = torch.randperm(images.shape[1], generator=rng)[:n_images]
    return images[: group.settings.n_classes, order]


def with_trigger(frame: Tensor, value: float) -> Tensor:
    """Return the input of one step: pixels or features, then the trigger.

    frame: [..., pixel] -> [..., I]
    """
    return torch.cat([frame, frame.new_full((*frame.shape[:-1], 1), value)], -1)


def shared(group: Group, frame: Tensor, trigger: float) -> Tensor:
    """Return the same input for every network.    frame: [..., pixel] -> [M, ..., I]"""
    x, like = with_trigger(frame, trigger), group.params["readout.W"]
    return x.to(like).expand(len(like), *x.shape)


def seen(group: Group, frame: Tensor, trigger: float) -> Tensor:
    """Return what the lowest layer of each network sees of the same frames.

    frame: [..., pixel] -> [M, ..., seen]
    """
    return see(group.network, group.params, shared(group, frame, trigger))


@torch.no_grad()
def mean_noise(group: Group, task: World) -> Tensor:
    """Return what each network sees of noise on average.

    The mean pixel, or through a front the mean feature.

    -> [M, pixel or feature]
    """
    n_pixels = group.network.n_in - 1
    if group.network.front is None:
        return shared(group, torch.full((n_pixels,), task.mean, dtype=torch.float64), 0.0)[:, :-1]
    rng = torch.Generator().manual_seed(seed_of(group.records[0].run.experiment, "mean_noise"))
    frames = torch.empty(N_FRAMES, n_pixels).normal_(task.mean, task.std, generator=rng)
    return seen(group, frames, 0.0)[..., :-1].mean(1)


def answer(group: Group, prepared: tuple[Layer, ...], x: Tensor, states: States) -> Tensor:
    """Return the outputs in use if x came now; the states are left as they are.

    x: [M, B or 1, seen], with a trigger; states: each [M, B, H] -> [M, B, classes + 1]
    """
    y, _ = step(group.network, prepared, x, states)
    return readout(group.network, group.params, y)[..., : group.settings.n_classes + 1]


def prepared(group: Group) -> tuple[Layer, ...]:
    """Return the fused weights of a group."""
    return prepare(group.network, group.params)


def as_table(
    rows: list[dict[str, Any]], *, records: list[Record], columns: tuple[str, ...]
) -> pd.DataFrame:
    """Return the rows with the identity columns first.

    The columns are there even without any row.
    """
    return pd.DataFrame(rows, columns=[*identity(records[0]), *columns])
