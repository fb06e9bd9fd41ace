"""Read verified files into uint8 arrays; nothing is unpickled and nothing is unpacked to disk."""

import gzip
import hashlib
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slowpoints.data.registry import DataError, Member

Bytes = NDArray[np.uint8]
CIFAR_RECORD = 1 + 3 * 32 * 32  # label, then red, green, blue planes, row by row
CIFAR_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))


class Images(NamedTuple):
    """Images and classes; x: uint8 [N, side, side], colour [N, 3, side, side]; y: uint8 [N]."""

    train_x: Bytes
    train_y: Bytes
    test_x: Bytes
    test_y: Bytes


def read_idx(path: Path) -> Bytes:
    """Return the array of an IDX file of unsigned bytes, gzipped when its name says so.

    Header: two zeros, 8 (unsigned byte), the number of axes, then each length as big-endian uint32.
    """
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content[:3] != b"\0\0\x08":
        raise DataError(f"{path}: not an IDX file of unsigned bytes")
    n_header = 4 + 4 * content[3]
    shape = tuple(int(n) for n in np.frombuffer(content[4:n_header], ">u4"))
    if len(content) != n_header + int(np.prod(shape)):
        raise DataError(f"{path}: header says {shape}, content has {len(content) - n_header} bytes")
    return np.frombuffer(content, np.uint8, offset=n_header).reshape(shape).copy()


def idx_bytes(array: Bytes) -> bytes:
    """Return the content of an IDX file: the inverse of `read_idx`."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def images_from_idx(paths: Mapping[str, Path]) -> Images:
    """Return the images of four IDX files, whose roles are the fields of `Images`."""
    return Images(**{role: read_idx(paths[role]) for role in Images._fields})


def images_from_cifar_archive(paths: Mapping[str, Path]) -> Images:
    """Return CIFAR-10 from the official binary archive."""
    wanted = {f"cifar-10-batches-bin/{batch}.bin": batch for batch in (*CIFAR_TRAIN, "test_batch")}
    batches = {}
    with tarfile.open(paths["archive"], "r:gz") as archive:
        for entry in archive:
            content = (
                archive.extractfile(entry) if entry.isfile() and entry.name in wanted else None
            )
            if content is not None:
                batches[wanted[entry.name]] = content.read()
    if missing := sorted(set(wanted.values()) - set(batches)):
        raise DataError(f"{paths['archive']}: the archive lacks {', '.join(missing)}")
    return _images_from_cifar(batches)


def images_from_cifar_xz(paths: Mapping[str, Path]) -> Images:
    """Return CIFAR-10 records from one xz file per batch."""
    return _images_from_cifar(
        {batch: lzma.decompress(path.read_bytes()) for batch, path in paths.items()}
    )


def _images_from_cifar(batches: Mapping[str, bytes]) -> Images:
    """Return the records of the five training batches and of the test batch."""
    train = np.frombuffer(b"".join(batches[batch] for batch in CIFAR_TRAIN), np.uint8)
    test = np.frombuffer(batches["test_batch"], np.uint8)
    split = []
    for records in (train.reshape(-1, CIFAR_RECORD), test.reshape(-1, CIFAR_RECORD)):
        split += [records[:, 1:].reshape(-1, 3, 32, 32).copy(), records[:, 0].copy()]
    return Images(*split)


def text_from_zip(path: Path, member: Member) -> bytes:
    """Return the pinned text inside a zip archive."""
    with zipfile.ZipFile(path) as archive:
        n_bytes = archive.getinfo(member.name).file_size
        content = archive.read(member.name) if n_bytes == member.n_bytes else b""
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if sha1 != member.sha1:
        raise DataError(
            f"{path}: {member.name} has sha1 {sha1} ({n_bytes} bytes), wanted {member.sha1}"
        )
    return content


def symbols(text: bytes) -> Bytes:
    """Return the 27 symbols of text8 as 0 (space) and 1 to 26 (a to z).    -> [N]"""
    codes = np.frombuffer(text, np.uint8)
    is_space = codes == ord(" ")
    if not np.all(is_space | ((codes >= ord("a")) & (codes <= ord("z")))):
        raise DataError("the text has characters other than a to z and space")
    return np.where(is_space, 0, codes - np.uint8(ord("a") - 1)).astype(np.uint8)


IMAGE_READERS: dict[str, Callable[[Mapping[str, Path]], Images]] = {
    "idx": images_from_idx,
    "cifar-archive": images_from_cifar_archive,
    "cifar-xz": images_from_cifar_xz,
}
