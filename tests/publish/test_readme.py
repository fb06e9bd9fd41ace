"""The README's headlines and the page of all claims: what they show, and that they are checked."""

import re
from pathlib import Path

import pandas as pd
import pytest

from helpers.plans import ROOT
from slowpoints.provenance.records import read_table, write_table
from slowpoints.publish import claims_page, readme

KEPT = ROOT / "paper" / "reference" / "laptop"
LINKS = {"figure": "figures/{figure}.png", "tables": "reference/{experiment}"}


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
        "n": 36,
        "counted": "36 networks",
        "statistic": "mean of y",
        "threshold": "below 0",
        "fixed": "before",
        "p": 0.0002,
        "verdict": "holds",
        "why": "",
        "figure": "haviv2019-speed",
        "experiment": "haviv2019-curricula",
    } | changed


ROWS = [
    row(),
    row(of="LSTM", verdict="fails", why="higher", p=1.0, fixed="seen"),
    row(id="b", statement="b", paper="long2016", says="bits", of="", estimate=float("nan")),
]
HEADLINES = [
    {
        "paper": "haviv2019",
        "says": "slow | points",
        "published": "not known",
        "here": "GRU: −0.41 [−0.50, −0.30]",
        "verdict": "holds",
        "p_holm": 0.0004,
        "figures": "haviv2019-speed haviv2019-memory",
    },
    {
        "paper": "ours",
        "says": "two routes",
        "published": "not in the papers",
        "here": "–",
        "verdict": "not testable here",
        "p_holm": float("nan"),
        "figures": "haviv2019-ablations",
    },
]


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "statement" not in line]


def test_every_claim_is_a_line_and_failures_stay():
    lines = lines_of(claims_page.page(ROWS, **LINKS))
    assert len(lines) == 3
    bits, first, second = lines
    assert bits.startswith("| bits |")
    assert "| – |" in bits
    assert "−0.41 [−0.50, −0.30] | 36 networks | mean of y below 0 | before | < 0.001 " in first
    assert second.startswith("| ″ | LSTM |")
    assert "| after a run | 1.00 | **fails**: higher |" in second
    assert "[figure](figures/haviv2019-speed.png)" in first
    assert "[tables](reference/haviv2019-curricula)" in first


def test_a_bar_in_a_statement_does_not_break_the_tables():
    lines = lines_of(claims_page.page(ROWS, **LINKS))
    assert all(line.replace("\\|", "").count("|") == 11 for line in lines)
    table = readme.headlines_table(HEADLINES, figure="{figure}.png").splitlines()
    assert all(line.replace("\\|", "").count("|") == 5 for line in table)


def test_headlines_come_by_paper_with_their_first_figure_and_corrected_p():
    table = readme.headlines_table(HEADLINES, figure="{figure}.png").splitlines()
    assert table[2].startswith("| **[Haviv et al. 2019]")
    assert "[slow \\| points](haviv2019-speed.png)" in table[3]
    assert table[3].endswith("| holds; < 0.001 |")
    assert table[4].startswith("| **Beyond the papers**")
    assert table[5].endswith("| – | not testable here |")


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    write_table(tmp_path / "headlines.csv", pd.DataFrame(HEADLINES))
    (tmp_path / "README.md").write_text(
        f"# title\n{readme.BEGIN}\nstale\n{readme.END}\nbelow\n", "utf-8"
    )
    return {"readme": tmp_path / "README.md", "headlines": tmp_path / "headlines.csv"}


def test_the_headlines_are_written_between_their_markers_once(files):
    readme.write(**files)
    once = files["readme"].read_text("utf-8")
    readme.write(**files)
    assert files["readme"].read_text("utf-8") == once
    assert once.startswith("# title\n")
    assert once.endswith("\nbelow\n")
    assert "stale" not in once
    readme.check(**files)


def test_headlines_that_are_not_of_their_file_are_noticed(files):
    with pytest.raises(readme.ReadmeError, match="its headlines are not those of"):
        readme.check(**files)


def test_a_readme_without_markers_is_refused():
    with pytest.raises(readme.ReadmeError, match="lacks its markers"):
        readme.updated("# title", "table")


def test_the_projects_own_headlines_and_claims_are_those_of_the_run_it_keeps():
    readme.check(ROOT / "README.md", headlines=KEPT / "headlines.csv")
    claims_page.check(ROOT / claims_page.PAGE, claims=KEPT / "claims.csv")


def test_a_page_that_is_not_of_its_claims_is_noticed(tmp_path):
    (tmp_path / "claims.md").write_text("stale", "utf-8")
    with pytest.raises(claims_page.StalePage, match="is not that of"):
        claims_page.check(tmp_path / "claims.md", claims=KEPT / "claims.csv")


def test_the_readme_is_one_screen():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.encode()) <= 10_000


PAGES = ["README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_is_there(page):
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#:\s]+)[^)]*\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (folder / link).exists() and link != "https"] == []


def test_the_kept_tables_are_whole():
    tables = sorted((KEPT / "tables").rglob("*.csv"))
    assert {path.parts[-2] for path in tables} - {"data"} == {
        path.stem for path in (ROOT / "config" / "experiments").glob("*.yaml")
    }
    for path in tables:
        assert (
            len(read_table(path)) > 0 or path.parts[-2] == "data"
        )  # damage, or a line changed by hand, is an error
