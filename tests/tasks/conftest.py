"""A tiny image set in place of the real ones, and a world for every task."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from slowpoints import data
from slowpoints.engine.draws import Draws

N_TRAIN, N_TEST = 20, 8  # images per class; class 0 has three more


def fake_images(name: str, *, data_dir: Path) -> SimpleNamespace:
    """Return random 14 x 14 images; the first pixel of each is its class."""
    draw = np.random.default_rng(0)

    def images(n_each: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.concatenate([np.tile(np.arange(10), n_each), np.zeros(3, dtype=int)])
        pixels = draw.integers(0, 256, (len(labels), 14, 14), dtype=np.uint8)
        pixels[:, 0, 0] = labels
        return pixels, labels

    (train_x, train_y), (test_x, test_y) = images(N_TRAIN), images(N_TEST)
    return SimpleNamespace(train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder from which any image set reads as the tiny one."""
    monkeypatch.setattr(data, "load_images", fake_images)
    return tmp_path


@pytest.fixture
def world_of(data_dir: Path) -> Callable[..., Any]:
    """Return a function giving the world of a task for a network of few parameters."""

    def build(task: ModuleType, settings: Any, *, seed: int = 0, n_parameters: int = 50) -> Any:
        return task.world(settings, n_parameters=n_parameters, rng=rng(seed), data_dir=data_dir)

    return build


def rng(seed: int) -> Draws:
    """Return a generator started at `seed`."""
    return Draws([seed])
