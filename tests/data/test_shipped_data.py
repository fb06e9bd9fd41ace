"""The data files in the repository: what the registry and data/README.md promise."""

import os
from pathlib import Path

import numpy as np
import pytest

from slowpoints.data import build_shipped, ensure, fetch, load_images, load_text, read_registry
from slowpoints.data.files import digest_of
from slowpoints.data.registry import HOME

REGISTRY = read_registry()
FILES = sorted({file for dataset in REGISTRY.values() for file in dataset.files.values()})
SHIPPED = [name for name, dataset in REGISTRY.items() if dataset.built_from]


def test_every_shipped_data_set_is_here_and_verified(tmp_path):
    ensure(SHIPPED, data_dir=tmp_path)
    assert SHIPPED == ["mnist14", "fashion14", "text8-1m"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_pinned(file):
    if file.is_shipped:
        assert not file.urls
        assert fetch(file).stat().st_size == file.n_bytes
    assert file.algorithm == ("sha1" if file.name == "text8.zip" else "sha256")
    assert len(file.digest) == {"sha1": 40, "sha256": 64}[file.algorithm]
    assert file.n_bytes > 0
    assert all(url.startswith(("https://", "http://")) for url in file.urls)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_data_set_states_its_licence_and_source(name):
    assert REGISTRY[name].licence
    assert REGISTRY[name].source
    assert f"`{name}`" in (HOME / "README.md").read_text(encoding="utf-8")


def test_the_data_folder_holds_nothing_else_and_stays_below_8_mb():
    inside = [path.relative_to(HOME) for path in HOME.rglob("*") if path.is_file()]
    kept = [path for path in inside if path.parts[0] != "downloads"]
    assert sum((HOME / path).stat().st_size for path in kept) <= 8_000_000
    data = {path.as_posix() for path in kept if path.parts[0] != "LICENSES" and len(path.parts) > 1}
    assert data == {file.name for file in FILES if file.is_shipped}


@pytest.mark.parametrize("name", ["mnist14", "fashion14"])
def test_shipped_images_are_balanced_bytes(name):
    images = load_images(name)
    for x, y, n in ((images.train_x, images.train_y, 1000), (images.test_x, images.test_y, 200)):
        assert x.shape == (10 * n, 14, 14)
        assert x.dtype == y.dtype == np.uint8
        assert np.bincount(y).tolist() == [n] * 10
        assert x.max() > 250
        assert x.min() == 0


def test_shipped_text_begins_like_text8():
    text = load_text("text8-1m")
    assert text.shape == (1_000_000,)
    assert text.dtype == np.uint8
    letters = np.array(list(" abcdefghijklmnopqrstuvwxyz"))
    assert "".join(letters[text[:29]]) == " anarchism originated as a te"


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_follow_from_the_official_ones_byte_for_byte(name, tmp_path):
    folder = os.environ.get("SLOWPOINTS_DATA_DIR")
    if not folder:
        pytest.skip("set SLOWPOINTS_DATA_DIR to a folder with the official files")
    built = build_shipped(name, data_dir=Path(folder), out=tmp_path)
    wanted = {file.name: file.digest for file in REGISTRY[name].files.values()}
    assert {path.relative_to(tmp_path).as_posix(): digest_of(path) for path in built} == wanted
