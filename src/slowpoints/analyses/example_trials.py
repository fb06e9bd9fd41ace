"""What a network sees and is asked in delayed classification: two trials, pixel by pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from slowpoints import tasks
from slowpoints.analyses._given import Given, Result
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks import Batch, Draws

COLUMNS = ("trial", "step", "is_image", "trigger", "target", "row", "column", "value")
N_DRAWN = 64  # trials among which the second is looked for
OF_TASKS = ("delayed_classification",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per trial, step and pixel of the frame; no network is looked at.

    is_image: the frame is the image, not noise; target: the class wanted at that step (-1: null).
    The trials are the first of a draw of the whole task, and the first after it with another class,
    stimulus, trigger and delay.
    """
    block = given.records[0].task
    task, whole = tasks.load(block.name), block.settings
    rng = Draws([seed_of(given.records[0].run.experiment, "example_trials")])
    world = task.world(whole, n_parameters=0, rng=rng, data_dir=given.data_dir)
    batch = task.sample(whole, world, batch=N_DRAWN, split="train", rng=rng)
    frame = task.frame(whole)
    assert frame is not None, "delayed_classification shows images"
    rows = [
        row for trial, b in enumerate(unlike(batch)) for row in _rows(batch, b, trial, frame=frame)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)), {}


def is_image(batch: Batch) -> Tensor:
    """Return which frames are images: all pixels lie in [0, 1], as those of unclipped noise never
    do.

    -> [B, T]
    """
    frames = batch.x[..., :-1]
    return ((frames >= 0) & (frames <= 1)).all(-1)


def unlike(batch: Batch) -> list[int]:
    """Return the first trial, and the first that differs from it in class, stimulus step, trigger
    step and delay.
    """
    shown, asked = is_image(batch).long().argmax(-1), batch.y.argmax(-1)
    features = torch.stack([batch.y.amax(-1), shown, asked, asked - shown], -1)
    differs = (features != features[0]).all(-1)
    return [0, int(differs.long().argmax())]


def _rows(
    batch: Batch, b: int, trial: int, *, frame: tuple[int, int, int]
) -> Iterator[dict[str, Any]]:
    """Yield the pixels of one trial, means over their colours.    frame: channels, height, width"""
    image = is_image(batch)[b].tolist()
    for step, x in enumerate(batch.x[b]):
        own = {"trial": trial, "step": step, "is_image": image[step], "trigger": int(x[-1]),
               "target": int(batch.y[b, step]) - 1}  # fmt: skip
        for row, pixels in enumerate(x[:-1].view(frame).mean(0).tolist()):
            for column, value in enumerate(pixels):
                yield own | {"row": row, "column": column, "value": value}
