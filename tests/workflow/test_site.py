"""The site of a finished run: every page is there, every link leads somewhere, nothing is remote,
bytes repeat.
"""

import re
from pathlib import Path

import pytest

from helpers import site_pages
from helpers.copies import Snakemake
from slowpoints.claims.judge import VERDICTS
from slowpoints.plan import dag
from slowpoints.publish.site import pages
from slowpoints.spec.parts import names

pytestmark = pytest.mark.dag


@pytest.fixture(scope="module")
def site(finished: Path) -> Path:
    return finished / "results" / "smoke" / "site"


def test_everything_has_its_page(site: Path) -> None:
    experiments = dag.experiments("smoke")
    wanted = {f"claims/{claim.id}" for own in experiments.values() for claim in own.claims}
    wanted |= {f"figures/{name}" for name in dag.figure_names()} | {
        f"experiments/{name}" for name in experiments
    }
    wanted |= {f"{folder}/{name}" for folder in ("cells", "tasks") for name in names(folder)}
    docs = pages.ROOT / "docs"
    wanted |= {f"measured/{path.stem}" for path in (docs / "benchmarks").glob("*.md")}
    wanted |= {f"guide/{path.stem}" for path in docs.glob("*.md") if path.stem != "claims"}
    wanted |= {
        f"guide/{path.stem}" for path in (pages.ROOT / "notebooks" / "guides").glob("*.ipynb")
    }
    wanted |= {"index", "search", "api/dynamics", "api/engine", "api/cells"}
    missing = sorted(name for name in wanted if not (site / f"{name}.html").is_file())
    assert not missing


def test_a_cell_and_an_experiment_of_ones_own_have_pages(site: Path) -> None:
    cell = (site / "cells" / "leaky.html").read_text()
    assert "A leaky unit: the state forgets at a fixed rate" in cell
    assert "<math" in cell
    assert "long2016-targeted.html" in cell, "the experiments it joins"
    assert "larger of two numbers" in (site / "experiments" / "own-maximum.html").read_text()


def test_every_link_leads_somewhere(site: Path) -> None:
    assert not site_pages.broken(site)


def test_no_page_loads_anything_remote(site: Path) -> None:
    loaded = {
        f"{path.name}: {target}"
        for path in site.rglob("*.html")
        for target in site_pages.read(path).loads
        if site_pages.is_remote(target)
    }
    assert not loaded
    styles = [
        path
        for path in site.rglob("*.css")
        if re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert not styles


def test_no_equation_waits_for_a_script(site: Path) -> None:
    assert not [
        path
        for path in site.rglob("*.html")
        if re.search(r"<script[^>]*mathjax", path.read_text(), re.I)
    ]
    assert (site / "cells" / "gru.html").read_text().count("<mtr>") == 5


def test_a_claim_shows_what_it_rests_on(site: Path) -> None:
    page = site_pages.read(site / "claims" / "collins2017-five-bits.html")
    for target in (
        "../figures/collins2017-capacity.html", "../files/notebooks/collins2017-capacity.html",
        "../files/tables/collins2017-capacity/bits.csv", "../experiments/collins2017-capacity.html",
        "../cells/rnn.html",
    ):  # fmt: skip
        assert target in page.links
    records = [link for link in page.links if link.endswith(".jsonl")]
    assert records
    assert all(link.startswith("../../collins2017-capacity/runs/") for link in records)


def test_a_copied_table_is_the_table(site: Path, finished: Path) -> None:
    tables = sorted((finished / "results" / "smoke").glob("*/tables/*.csv"))
    assert tables
    for table in tables:
        assert (
            site / "files" / "tables" / table.parts[-3] / table.name
        ).read_bytes() == table.read_bytes()


def test_the_verdicts_of_the_site_are_those_of_the_judge() -> None:
    assert set(pages.VERDICTS) == set(VERDICTS)


def test_the_same_results_make_the_same_bytes(
    site: Path, finished: Path, snakemake: Snakemake
) -> None:
    before = {
        path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }
    (site / "index.html").unlink()
    snakemake("--forcerun", "build_site", "--", "results/smoke/site")
    after = {
        path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }
    assert set(before) == set(after)
    assert not [path for path in before if before[path] != after[path]]
