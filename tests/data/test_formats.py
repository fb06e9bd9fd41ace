"""Readers of data files, on tiny files whose content is known."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from slowpoints.data import DataError
from slowpoints.data.formats import (
    CIFAR_TRAIN,
    idx_bytes,
    images_from_cifar_archive,
    images_from_cifar_xz,
    read_idx,
    symbols,
    text_from_zip,
)
from slowpoints.data.registry import Member
from slowpoints.data.shipped import first_of_each_class, halve

PLANES = bytes([1]) * 1024 + bytes([2]) * 1024 + bytes([3]) * 1023 + bytes([4])
CIFAR = {batch: bytes([label]) + PLANES for label, batch in enumerate((*CIFAR_TRAIN, "test_batch"))}


def write_archive(path, *, batches, link=None):
    """Write a tar archive laid out like the official one."""
    with tarfile.open(path, "w:gz") as archive:
        for batch in batches:
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{batch}.bin")
            entry.size = len(CIFAR[batch])
            archive.addfile(entry, io.BytesIO(CIFAR[batch]))
        if link is not None:
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{link}.bin")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(entry)


def test_idx_header_is_big_endian(tmp_path):
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 15])
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    wanted = np.array([[10, 11, 12], [13, 14, 15]], np.uint8)
    for name in ("a", "a.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), wanted)
    assert idx_bytes(wanted) == content
    assert read_idx(tmp_path / "a").flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x09\1\0\0\0\1x", "a: not an IDX file of unsigned bytes"),
        (b"\0\0\x08\1\0\0\0\2x", r"a: header says \(2,\), content has 1 bytes"),
        (b"\x80\4pickle", "a: not an IDX file of unsigned bytes"),
    ],
)
def test_idx_of_another_type_or_length_is_an_error(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(tmp_path / "a")


def test_cifar_archive_and_xz_files_read_alike(tmp_path):
    write_archive(tmp_path / "cifar.tar.gz", batches=CIFAR)
    for batch, content in CIFAR.items():
        (tmp_path / batch).write_bytes(lzma.compress(content))
    from_archive = images_from_cifar_archive({"archive": tmp_path / "cifar.tar.gz"})
    from_xz = images_from_cifar_xz({batch: tmp_path / batch for batch in CIFAR})
    for images in (from_archive, from_xz):
        assert images.train_x.shape == (5, 3, 32, 32)
        assert images.test_x.shape == (1, 3, 32, 32)
        assert images.train_y.tolist() == [0, 1, 2, 3, 4]
        assert images.test_y.tolist() == [5]
        assert images.train_x[0, :, 0, 0].tolist() == [1, 2, 3]
        assert images.test_x[0, 2, 31, 31] == 4


def test_cifar_archive_without_a_batch_or_with_a_link_for_it_is_an_error(tmp_path):
    write_archive(tmp_path / "cifar.tar.gz", batches=CIFAR_TRAIN, link="test_batch")
    with pytest.raises(DataError, match="lacks test_batch"):
        images_from_cifar_archive({"archive": tmp_path / "cifar.tar.gz"})


def test_the_text_in_a_zip_must_be_the_pinned_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("text", b"a b")
    member = Member(name="text", n_bytes=3, sha1=hashlib.sha1(b"a b").hexdigest())
    assert text_from_zip(tmp_path / "t.zip", member) == b"a b"
    for wrong in (member._replace(n_bytes=4), member._replace(sha1=hashlib.sha1(b"c").hexdigest())):
        with pytest.raises(DataError, match="text has sha1"):
            text_from_zip(tmp_path / "t.zip", wrong)


def test_symbols_are_space_and_a_to_z_only():
    assert symbols(b" az").tolist() == [0, 1, 26]
    for other in (b"A", b"\n", b"{", b"`"):
        with pytest.raises(DataError, match="a to z and space"):
            symbols(b"a" + other)


def test_halving_takes_block_means_and_rounds_halves_up():
    x = np.array([[[0, 0, 255, 255], [0, 1, 255, 254], [1, 1, 0, 1], [0, 0, 2, 3]]], np.uint8)
    np.testing.assert_array_equal(halve(x), [[[0, 255], [1, 2]]])


def test_the_first_of_each_class_keep_their_order():
    y = np.array([*range(9, -1, -1), *range(10)] * 2, np.uint8)
    np.testing.assert_array_equal(first_of_each_class(y, n=2), np.arange(20))
