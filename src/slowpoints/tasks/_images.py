"""Images by split and class, read once per process, with the noise that hides them."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slowpoints import data

N_CLASSES = 10  # of every image set
# Haviv et al. 2019: their mean and standard deviation of the pixels, the same for all colours
NOISE = {
    "mnist": (0.1307, 0.30816),
    "cifar10": (0.4734, 0.2517),
    "cifar10-partial": (0.4734, 0.2517),
}


class World(NamedTuple):
    """The images of a data set and the noise that hides them; shared by all runs that use it."""

    images: dict[str, Tensor]  # by split: [class, image, pixel], pixels in [0, 1]
    mean: float  # of the noise, per pixel
    std: float


@lru_cache(maxsize=8)
def shared(dataset: str, data_dir: Path | None, device: torch.device, *, order: int = 0) -> World:
    """Return the world of a data set, the same tensors at every call.

    order: 0, or the seed of a permutation by which the classes are numbered anew: then class k is
    not label k. Each class is cut to the size of the smallest. The noise has the mean and standard
    deviation of all "train" pixels together; for full-size MNIST and CIFAR-10 it has the authors'
    own.
    Departs: the last tenth of the training images of each class is "valid", and "test" are the
    held-out images (the authors drew from training images only).
    """
    loaded = data.load_images(dataset, data_dir=data_dir)
    train = _by_class(loaded.train_x, loaded.train_y)
    n_valid = max(1, train.shape[1] // 10)
    splits = {
        "train": train[:, :-n_valid],
        "valid": train[:, -n_valid:],
        "test": _by_class(loaded.test_x, loaded.test_y),
    }
    mean, std = NOISE[dataset] if dataset in NOISE else _statistics(splits["train"])
    images = {
        split: torch.from_numpy(pixels).to(device).float().div_(255)
        for split, pixels in splits.items()
    }
    if order:
        rank = torch.randperm(N_CLASSES, generator=torch.Generator().manual_seed(order)).to(device)
        images = {split: pixels[rank] for split, pixels in images.items()}
    return World(images, mean, std)


def _by_class(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return as many images of each class, in order.

    images: [n, (3,) side, side] -> [class, image, pixel]
    """
    members = [np.flatnonzero(labels == k) for k in range(N_CLASSES)]
    n_each = min(map(len, members))
    return images.reshape(len(images), -1)[np.stack([member[:n_each] for member in members])]


def _statistics(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation of all pixels, scaled to [0, 1], from the counts of the
    values.
    """
    share = np.bincount(pixels.ravel(), minlength=256) / pixels.size
    value = np.arange(256) / 255
    mean = share @ value
    return float(mean), float(np.sqrt(share @ (value - mean) ** 2))
