"""What the analyses of delayed classification share: images, noise, and the answer to a virtual trigger."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from slowpoints.engine import States, prepare, readout, step
from slowpoints.engine.fused import Layer
from slowpoints.records import identity
from slowpoints.stack import Group
from slowpoints.tasks._images import World


def world(group: Group, *, data_dir: Path) -> World:
    """Return the images and the noise of a group; they are the same for all its networks."""
    unused = torch.Generator()
    return group.task.world(group.settings, n_parameters=0, rng=unused, data_dir=data_dir)


def chosen_images(group: Group, images: Tensor, *, n_images: int, rng: torch.Generator) -> Tensor:
    """Return `n_images` images of every class in use, or all there are, drawn without replacement.

    images: [class, image, pixel] -> [class, n, pixel]
    """
    order = torch.randperm(images.shape[1], generator=rng)[:n_images]
    return images[: group.settings.n_classes, order]


def with_trigger(frame: Tensor, value: float) -> Tensor:
    """Return the input of one step: pixels, then the trigger.    frame: [..., pixel] -> [..., I]"""
    return torch.cat([frame, frame.new_full((*frame.shape[:-1], 1), value)], -1)


def answer(group: Group, prepared: tuple[Layer, ...], frame: Tensor, states: States) -> Tensor:
    """Return the outputs in use if the trigger came now; the states are left as they are.

    frame: [B, pixel], shared by the networks; states: each [M, B, H] -> [M, B, classes + 1]
    """
    y, _ = step(group.network, prepared, shared(with_trigger(frame, 1.0), states), states)
    return readout(group.network, group.params, y)[..., : group.settings.n_classes + 1]


def shared(x: Tensor, states: States) -> Tensor:
    """Return the same input for every network.    x: [B, ...] -> [M, B, ...]"""
    return x.to(states[0][0].dtype).expand(len(states[0][0]), *x.shape)


def prepared(group: Group) -> tuple[Layer, ...]:
    """Return the fused weights of a group."""
    return prepare(group.network, group.params)


def as_table(rows: list[dict[str, Any]], *, records: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows with the identity columns first; the columns are there even without any row."""
    return pd.DataFrame(rows, columns=[*identity(records[0]), *columns])
