"""A mistake in the file of a cell is named while planning: the file, and what would be right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.own_parts import writer
from slowpoints.spec import joins, parts
from slowpoints.spec.strict import SpecError

HEAD = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Settings:\n    pass\n"
BUILD = "def build(settings):\n    pass\n"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return writer("cells", tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, r"cells/own\.py: lacks build\(settings\)"),
        (BUILD, r"cells/own\.py: lacks class Settings"),
        ("x = 1\ny = (\n", r"cells/own\.py, line 2: not Python: '\(' was never closed"),
        (
            HEAD + BUILD + "x = nothing_of_this_name\n",
            r"cells/own\.py: cannot be imported \(NameError: ",
        ),
        (
            "import trch\n",
            r"cells/own\.py: cannot be imported \(ModuleNotFoundError: No module named 'trch'\)",
        ),
    ],
    ids=["no build", "no settings", "not Python", "fails", "misspelt import"],
)
def test_what_is_wrong_with_a_file_is_named(written, text: str, message: str) -> None:
    written(text)
    with pytest.raises(SpecError, match=message):
        parts.load("cells", "own")


@pytest.mark.parametrize(
    ("joins_line", "message"),
    [
        ('JOINS = ("long2061",)', r"cells/own\.py: JOINS.*'long2061'.*did you mean 'long2016'"),
        ('JOINS = "long2016"', "expected names of papers"),
    ],
    ids=["misspelt", "no tuple"],
)
def test_a_misspelt_paper_is_named(written, joins_line: str, message: str) -> None:
    written(HEAD + BUILD + joins_line)
    with pytest.raises(SpecError, match=message):
        joins.joined("own")
