"""Delayed classification of CIFAR-10.

Made-up colours, and the official images where they are at hand.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from slowpoints import data
from slowpoints.engine.draws import Draws
from slowpoints.tasks import delayed_classification as task
from slowpoints.tasks.delayed_classification import Settings


def test_cifar10_has_the_authors_noise_and_its_pixels_colour_by_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.tile(np.arange(10, dtype=np.uint8), 4)
    pixels = np.arange(40 * 3072, dtype=np.uint64).reshape(40, 3, 32, 32).astype(np.uint8)
    images = SimpleNamespace(train_x=pixels, train_y=labels, test_x=pixels, test_y=labels)
    monkeypatch.setattr(data, "load_images", lambda *_, **__: images)
    world = task.world(
        Settings(dataset="cifar10"), n_parameters=0, rng=Draws([0]), data_dir=tmp_path
    )
    assert (world.mean, world.std) == (0.4734, 0.2517)
    shown = world.images["test"][7, 0].unflatten(0, task.frame(Settings(dataset="cifar10")))
    assert torch.equal(shown, torch.from_numpy(pixels[7]).float() / 255)


def test_the_official_cifar10_fits_the_task():
    """Needs the images: SLOWPOINTS_DATA_DIR names a folder that holds CIFAR-10, or the subset of
    it.
    """
    folder = os.environ.get("SLOWPOINTS_DATA_DIR")
    if not folder:
        pytest.skip("set SLOWPOINTS_DATA_DIR to a folder with the official files")
    settings = Settings(dataset="cifar10-partial")
    world = task.world(settings, n_parameters=0, rng=Draws([0]), data_dir=Path(folder))
    assert [world.images[split].shape[0] for split in ("train", "valid", "test")] == [10, 10, 10]
    assert world.images["train"].shape[2] == 3072
    assert world.images["train"].mean().item() == pytest.approx(world.mean, abs=1e-3)
    assert world.images["train"].std().item() == pytest.approx(world.std, abs=2e-3)
    batch = task.sample(settings, world, batch=32, split="train", rng=Draws([0]))
    assert batch.x.shape == (32, 20, 3073)
