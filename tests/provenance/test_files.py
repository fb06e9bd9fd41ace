"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from slowpoints.provenance import files
from slowpoints.provenance.files import BadResult


def test_nothing_is_left_of_a_file_whose_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    files.write_text(path, "old")
    with pytest.raises(ZeroDivisionError):
        _half_write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _half_write(path: Path) -> None:
    with files.atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".x.txt.abcdefgh.txt").write_text("half")
    (tmp_path / ".y.txt.abcdefgh.txt").write_text("of another result")
    files.write_text(tmp_path / "x.txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".y.txt.abcdefgh.txt", "x.txt"]


def test_json_is_the_same_text_for_the_same_content() -> None:
    assert files.sealed_json({"b": 1, "a": 2}) == files.sealed_json({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "it is no JSON"), ("[1]", "checksum does not match"), ('{"a": 1}', "checksum does not")],
)
def test_damaged_json_is_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadResult, match=f"damaged .*{why}"):
        files.read_json(tmp_path / "x.json")


def test_a_changed_file_is_told_by_the_list_of_checksums(tmp_path: Path) -> None:
    own, seals = tmp_path / "f.pdf", tmp_path / "f.sha256"
    own.write_bytes(b"one")
    files.write_text(seals, files.sums(own))
    files.check(own, beside=seals)
    own.write_bytes(b"other")
    with pytest.raises(BadResult, match=r"f\.pdf: damaged"):
        files.check(own, beside=seals)
