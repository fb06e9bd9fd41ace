"""A notebook that is opened in a clone reads what is kept of a run."""

from pathlib import Path

import pandas as pd
import pytest

from slowpoints import figures
from slowpoints.provenance.records import BadResult, write_table

FILE = "results/laptop/an-experiment/tables/outcomes.csv"
KEPT = "paper/reference/laptop/tables/an-experiment/outcomes.csv"


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path(KEPT), pd.DataFrame({"value": [1]}))


def test_without_a_run_the_kept_table_is_read_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(figures.read_table(FILE)["value"]) == [1]
    assert f"{FILE}: not run here; this is the kept one, {KEPT}" in capsys.readouterr().out


def test_the_run_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(Path(FILE), pd.DataFrame({"value": [2]}))
    assert list(figures.read_table(FILE)["value"]) == [2]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("file", [FILE.replace("laptop", "paper"), "elsewhere/outcomes.csv", "x"])
def test_what_is_nowhere_is_missing(file: str) -> None:
    with pytest.raises(BadResult, match="missing"):
        figures.read_table(file)
