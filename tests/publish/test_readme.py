"""The README's claims table: what it shows, where it goes, and that it is checked."""

import re
from pathlib import Path

import pandas as pd
import pytest

from helpers.plans import ROOT
from slowpoints.provenance.records import read_table, write_table
from slowpoints.publish import readme

LINKS = {"figure": "figures/{figure}.png", "records": "reference/{experiment}"}


def row(**changed) -> dict:
    return {
        "id": "a",
        "statement": "a",
        "paper": "haviv2019",
        "says": "slow | points",
        "of": "GRU",
        "published": "not known",
        "estimate": -0.41234,
        "low": -0.5,
        "high": -0.3,
        "n": 12,
        "counted": "36 networks",
        "verdict": "holds",
        "why": "",
        "figure": "haviv2019-speed",
        "experiment": "haviv2019-curricula",
    } | changed


ROWS = [
    row(),
    row(of="LSTM", verdict="fails", why="higher"),
    row(id="b", statement="b", paper="long2016", says="bits", of="", estimate=float("nan")),
]


def test_a_statement_about_several_networks_is_one_line_and_failures_stay():
    table = readme.claims_table(ROWS, **LINKS).splitlines()
    assert len(table) == 4
    assert "GRU: **holds**<br>LSTM: **fails**: higher" in table[3]
    assert "GRU: −0.41 [−0.50, −0.30], 12 × 6" in table[3]
    assert "[figure](figures/haviv2019-speed.png)" in table[3]
    assert "[tables](reference/haviv2019-curricula)" in table[3]


def test_a_bar_in_a_statement_does_not_break_the_table():
    lines = readme.claims_table(ROWS, **LINKS).splitlines()
    assert all(line.replace("\\|", "").count("|") == 7 for line in lines)


def test_papers_come_in_their_order_and_nothing_estimated_is_a_dash():
    first = readme.claims_table(ROWS, **LINKS).splitlines()[2]
    assert first.startswith("| [Long et al. 2016]")
    assert "| – | **holds** |" in first


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    write_table(tmp_path / "claims.csv", pd.DataFrame(ROWS))
    (tmp_path / "README.md").write_text(
        f"# title\n{readme.BEGIN}\nstale\n{readme.END}\nbelow\n", "utf-8"
    )
    return {"readme": tmp_path / "README.md", "claims": tmp_path / "claims.csv"}


def test_the_table_is_written_between_its_markers_once(files):
    readme.write(files["readme"], claims=files["claims"], **LINKS)
    once = files["readme"].read_text("utf-8")
    readme.write(files["readme"], claims=files["claims"], **LINKS)
    assert files["readme"].read_text("utf-8") == once
    assert once.startswith("# title\n")
    assert once.endswith("\nbelow\n")
    assert "stale" not in once
    readme.check(files["readme"], claims=files["claims"], **LINKS)


def test_a_table_that_is_not_of_its_claims_is_noticed(files):
    with pytest.raises(readme.ReadmeError, match="its claims table is not that of"):
        readme.check(files["readme"], claims=files["claims"], **LINKS)


def test_a_readme_without_markers_is_refused():
    with pytest.raises(readme.ReadmeError, match="lacks its markers"):
        readme.updated("# title", "table")


def test_the_projects_own_table_is_that_of_the_run_it_keeps():
    claims = ROOT / "paper" / "reference" / "laptop" / "claims.csv"
    readme.check(ROOT / "README.md", claims=claims, figure=readme.FIGURE, records=readme.RECORDS)


def test_what_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_kept_tables_are_whole():
    tables = sorted((ROOT / "paper" / "reference" / "laptop" / "tables").rglob("*.csv"))
    assert {path.parts[-2] for path in tables} == {
        path.stem for path in (ROOT / "config" / "experiments").glob("*.yaml")
    }
    for path in tables:
        assert len(read_table(path)) > 0  # damage, or a line changed by hand, is an error
