"""From the project's words to Markdown, from intervals to drawings, from files to what they
document.
"""

import math
from xml.etree import ElementTree

import pytest

from helpers.plans import ROOT
from slowpoints.publish.site import builder, documented, interval, pages, text
from slowpoints.spec.claims import Test as Judgement


def test_plain_text_is_shown_as_it_is():
    assert text.escaped("2 * 3 < [7] a_b") == r"2 \* 3 \< \[7\] a\_b"


def test_a_docstring_keeps_its_code_and_shows_its_signs():
    found = text.docstring("Return h: [M, B] for `a < [b]`.\n\n    h_t = a * b\n\nMore <x>.")
    assert found == "Return h: \\[M, B\\] for `a < [b]`.\n\n    h_t = a * b\n\nMore \\<x>."


def find(target: str) -> str | None:
    return {"docs/benchmarks/speed.md": "/measured/speed.md"}.get(target)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("see [speed](docs/benchmarks/speed.md)", "see [speed](/measured/speed.md)"),
        ("see [data](data/README.md)", "see data"),
        ("[paper](https://example.org/a)", "[paper](https://example.org/a)"),
        ("# Here, too\n[up](#here-too) [away](#elsewhere)", "# Here, too\n[up](#here-too) away"),
        ("`[speed](docs/benchmarks/speed.md)`", "`[speed](docs/benchmarks/speed.md)`"),
        ("```md\n[data](data/README.md)\n```", "```md\n[data](data/README.md)\n```"),
    ],
)
def test_links_into_the_repository_lead_to_pages_or_stay_words(words, expected):
    assert text.relinked(words, folder=".", find=find) == expected


def test_a_link_is_read_from_the_folder_of_its_page():
    assert (
        text.relinked("[speed](../docs/benchmarks/speed.md)", folder="notebooks", find=find)
        == "[speed](/measured/speed.md)"
    )


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("docs/benchmarks/speed.md", "/measured/speed.md"),
        ("notebooks/haviv2019-speed.ipynb", "/figures/haviv2019-speed.md"),
        ("paper/reference/laptop/figures/haviv2019-speed.png", "/figures/haviv2019-speed.md"),
        ("notebooks/guides/own-network.ipynb", "/guide/own-network.md"),
        ("README.md#use-it", "/guide/start.md"),
        ("docs/extending.md", "/guide/extending.md"),
        ("docs/claims.md", "/claims/index.md"),
        ("envs/site.in", None),
    ],
)
def test_files_of_the_repository_are_found_on_the_site(target, page):
    assert pages._find(target) == page


def judgement(**region: float) -> Judgement:
    return Judgement(statistic="mean", table="outcomes", y="mse", **region)


def shapes(drawn: str, kind: str) -> list[dict[str, str]]:
    return [part.attrib for part in ElementTree.fromstring(drawn) if part.tag == kind]


@pytest.mark.parametrize(
    ("region", "n"),
    [
        ({"above": 2.0}, 1),
        ({"above": 2.0, "below": 4.0}, 1),
        ({"below": 1.0}, 1),
        ({"apart": 0.5}, 2),
    ],
)
def test_an_interval_is_drawn_beside_the_region_where_the_claim_holds(region, n):
    drawn = interval.drawing(judgement(**region), interval.Estimate(3.0, 2.5, 3.5), width=100)
    assert len(shapes(drawn, "rect")) == n
    assert all(
        0 <= float(s["x"]) <= float(s["x"]) + float(s["width"]) <= 100.1
        for s in shapes(drawn, "rect")
    )
    (span,), (dot,) = shapes(drawn, "line"), shapes(drawn, "circle")
    assert float(span["x1"]) < float(dot["cx"]) < float(span["x2"])


def test_the_estimate_lies_in_the_region_exactly_where_the_claim_holds():
    inside = interval.drawing(judgement(above=2.0), interval.Estimate(3.0, 2.5, 3.5), width=100)
    outside = interval.drawing(judgement(above=4.0), interval.Estimate(3.0, 2.5, 3.5), width=100)
    assert float(shapes(inside, "rect")[0]["x"]) < float(shapes(inside, "line")[0]["x1"])
    assert float(shapes(outside, "rect")[0]["x"]) > float(shapes(outside, "line")[0]["x2"])


def test_nothing_estimated_is_nothing_drawn_and_no_interval_is_a_dot():
    nothing = interval.Estimate(math.nan, math.nan, math.nan)
    assert interval.drawing(judgement(above=2.0), nothing, width=100) == ""
    drawn = interval.drawing(
        judgement(above=2.0), interval.Estimate(3.0, math.nan, math.nan), width=100
    )
    assert not shapes(drawn, "line")
    assert len(shapes(drawn, "circle")) == 1


def test_what_is_public_is_documented_without_importing_it():
    (search,) = [module for module in documented.modules() if module.name == "dynamics.descent"]
    names = {item.name for item in search.items}
    assert names
    assert not any(name.startswith("_") for name in names)
    assert all(
        item.text
        for module in documented.modules()
        for item in module.items
        if item.kind == "function"
    )


def test_a_class_is_documented_with_its_fields_and_methods():
    (definition,) = [module for module in documented.modules() if module.name == "cells.definition"]
    (cell,) = [item for item in definition.items if item.name == "Cell"]
    assert "recurrent: bool" in cell.fields
    assert "free" in {method.name for method in cell.methods}


def test_every_module_is_in_the_reference():
    listed = {module.name for own in pages._packages().values() for module in own}
    assert {
        "dynamics",
        "provenance.records",
        "cells.gru",
        "tasks.adding",
        "publish.site.builder",
    } <= listed
    assert "__main__" not in listed


def test_words_of_people_become_pages_without_the_claims_that_have_their_own():
    found = pages._words()
    assert {"guide/start", "guide/how-it-works", "measured/speed"} <= set(found)
    assert "headlines: begin" not in found["guide/start"]
    docs = ROOT / "docs"
    assert {page for page in found if page.startswith("measured/")} == {
        f"measured/{path.stem}" for path in (docs / "benchmarks").glob("*.md")
    }
    assert {f"guide/{path.stem}" for path in docs.glob("*.md")} - set(found) == {"guide/claims"}


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"
)  # of the generator itself
def test_a_reference_to_nothing_stops_the_building_and_is_named(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text("# Title\n\n[gone](/nowhere.md)\n")
    (tmp_path / "extra").mkdir()
    with pytest.raises(builder.SiteError, match=r"index\.md.*nowhere\.md"):
        builder._sphinx(
            source,
            tmp_path / "made",
            extra=tmp_path / "extra",
            doctrees=tmp_path / "d",
            scale="smoke",
        )
