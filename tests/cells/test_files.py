"""A mistake in the file of a cell is named while planning: the file, and what would be right."""

from pathlib import Path

import pytest

from slowpoints.spec import joins, settings, streams
from slowpoints.spec.strict import SpecError

HEAD = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Settings:\n    pass\n"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that writes the file of a cell called `own`."""
    for name in ("tree",):
        monkeypatch.setattr(settings, name, getattr(settings, name).__wrapped__)
    monkeypatch.setattr(streams, "tree", settings.tree)
    monkeypatch.setattr(settings, "PACKAGE", tmp_path)
    (tmp_path / "cells").mkdir()
    return lambda text: (tmp_path / "cells" / "own.py").write_text(HEAD + text)


def test_a_cell_without_build_is_named(written):
    written("")
    with pytest.raises(SpecError, match=r"cells/own\.py: lacks build\(settings\)"):
        streams.known_parts("own", {})


@pytest.mark.parametrize(
    ("joins_line", "message"),
    [
        ('JOINS = ("long2061",)', r"cells/own\.py: JOINS.*'long2061'.*did you mean 'long2016'"),
        ('JOINS = "long2016"', "expected names of papers"),
    ],
    ids=["misspelt", "no tuple"],
)
def test_a_misspelt_paper_is_named(written, joins_line, message):
    written(joins_line)
    with pytest.raises(SpecError, match=message):
        joins.joined("own")
