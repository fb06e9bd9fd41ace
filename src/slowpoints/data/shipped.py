"""Build the small files that ship with the project from the official ones, byte for byte
the same.
"""

from pathlib import Path

import numpy as np

from slowpoints.data.files import find, write_bytes
from slowpoints.data.formats import Bytes, Images, idx_bytes
from slowpoints.data.loading import load_images, read_text
from slowpoints.data.registry import HOME, DataError, Dataset, get_dataset


def build_shipped(name: str, *, data_dir: Path | None, out: Path, home: Path = HOME) -> list[Path]:
    """Write the files of the shipped data set `name` below `out`; return their paths."""
    dataset = get_dataset(name, home=home)
    if not dataset.built_from:
        raise DataError(f"{name} is not a data set that ships with the project")
    source = _source(dataset, data_dir=data_dir, home=home)
    if dataset.format == "idx":
        small = shrink(load_images(source, data_dir=data_dir, home=home), counts=dataset.counts)
        contents = {role: idx_bytes(array) for role, array in small._asdict().items()}
    else:
        contents = {
            "text": read_text(source, data_dir=data_dir, home=home)[: dataset.counts["characters"]]
        }
    for role, content in contents.items():
        write_bytes(out / dataset.files[role].name, content)
    return [out / dataset.files[role].name for role in contents]


def shrink(images: Images, *, counts: dict[str, int]) -> Images:
    """Return the first images of every class, in official order, at half the side."""
    train = first_of_each_class(images.train_y, n=counts["train"] // 10)
    test = first_of_each_class(images.test_y, n=counts["test"] // 10)
    return Images(
        halve(images.train_x[train]),
        images.train_y[train],
        halve(images.test_x[test]),
        images.test_y[test],
    )


def halve(x: Bytes) -> Bytes:
    """Return the mean of each 2 by 2 block, halves rounded up.    x: [N, 2s, 2s] -> [N, s, s]"""
    n, side, _ = x.shape
    total = x.reshape(n, side // 2, 2, side // 2, 2).sum(axis=(2, 4), dtype=np.uint16)
    return ((total + 2) // 4).astype(np.uint8)


def first_of_each_class(y: Bytes, *, n: int) -> np.ndarray:
    """Return the increasing positions of the first `n` items of every class.    y: [N] -> [10 n]"""
    return np.sort(np.concatenate([np.flatnonzero(y == label)[:n] for label in range(10)]))


def _source(dataset: Dataset, *, data_dir: Path | None, home: Path) -> str:
    """Return the first source that is already here, else the first, to be downloaded."""
    for source in dataset.built_from:
        files = get_dataset(source, home=home).files.values()
        if all(find(file, data_dir=data_dir, home=home) for file in files):
            return source
    return dataset.built_from[0]
