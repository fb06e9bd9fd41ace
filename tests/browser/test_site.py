"""The site as a reader meets it: pages open, filter, lead on, search and change colours, without a
server.
"""

from typing import Any

import pytest

KINDS = [
    "index.html",
    "claims/index.html",
    "claims/collins2017-five-bits.html",
    "figures/index.html",
    "figures/haviv2019-speed.html",
    "experiments/index.html",
    "experiments/haviv2019-cells.html",
    "cells/index.html",
    "cells/gru.html",
    "tasks/index.html",
    "tasks/adding.html",
    "guide/index.html",
    "guide/add-your-own.html",
    "guide/own-network.html",
    "measured/index.html",
    "measured/speed.html",
    "api/index.html",
    "api/dynamics.html",
    "search.html",
    "files/notebooks/haviv2019-speed.html",
]


@pytest.mark.parametrize("view", ["light", "dark", "phone"])
@pytest.mark.parametrize("name", KINDS)
def test_a_page_opens_fits_asks_for_nothing_and_can_be_read_by_all(name, view, visit, found):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="`make site-test` has it"
    ).Axe()
    visitor = visit(view)
    page = visitor.open(name)
    page.wait_for_load_state("load")
    assert not visitor.errors
    assert not [url for url in visitor.asked if not url.startswith(("file:", "data:"))]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "wider than the screen"
    )
    broken = page.evaluate(
        "[...document.images].filter(i => i.loading !== 'lazy' && !i.naturalWidth).map(i => i.src)"
    )
    assert not broken
    response = axe.run(page).response
    found.visits.append((name, view))
    found.facts["axe"] = response["testEngine"]["version"]
    found.levels.update(violation["impact"] for violation in response["violations"])
    assert not [v for v in response["violations"] if v["impact"] in ("critical", "serious")]


def shown(page: Any) -> list[Any]:
    return page.locator("#claims tbody tr:visible").all()


def test_claims_are_filtered_by_choosing(visit):
    page = visit().open("claims/index.html")
    n_claims = len(shown(page))
    page.get_by_label("Paper").select_option("collins2017")
    page.get_by_label("Verdict").select_option("fails")
    rows = shown(page)
    assert 0 < len(rows) < n_claims
    assert {row.get_attribute("data-paper") for row in rows} == {"collins2017"}
    assert {row.get_attribute("data-verdict") for row in rows} == {"fails"}
    assert page.locator("#shown").inner_text() == f"{len(rows)} of {n_claims} claims"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(
        f"document.querySelectorAll('#claims tbody tr:not([hidden])').length === {n_claims}"
    )


@pytest.mark.parametrize("view", ["light", "phone"])
def test_claims_are_filtered_by_cell_experiment_and_words(view, visit):
    page = visit(view).open("claims/index.html")
    page.get_by_label("Cell").select_option("lstm")
    assert all("lstm" in row.get_attribute("data-cells").split() for row in shown(page))
    page.get_by_label("Experiment").select_option("haviv2019-curricula")
    assert {row.get_attribute("data-experiment") for row in shown(page)} == {"haviv2019-curricula"}
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Text").fill("five bits")
    page.get_by_label("Text").fill("5 bits about")
    texts = [row.inner_text().lower() for row in shown(page)]
    assert texts
    assert all("5" in text and "bits" in text and "about" in text for text in texts)
    page.get_by_label("Text").fill("no such words")
    assert not shown(page)


def test_a_filter_stands_in_the_address_and_can_be_kept(visit):
    first = visit().open("claims/index.html")
    first.get_by_label("Verdict").select_option("undecided")
    kept, n_shown = first.url.rpartition("/")[2], len(shown(first))
    assert len(shown(visit().open(f"claims/{kept}"))) == n_shown


def test_the_start_page_leads_to_the_claims_it_counts(visit):
    page = visit().open("index.html")
    share = page.locator(".share.fails").first
    n_claims = int(share.locator("strong").inner_text())
    share.click()
    page.wait_for_selector("#claims")
    assert len(shown(page)) == n_claims
    assert page.get_by_label("Verdict").input_value() == "fails"


def test_a_claim_is_followed_to_its_figure_its_notebook_its_table_and_its_record(visit):
    visitor = visit()
    page = visitor.open("claims/index.html")
    page.get_by_label("Text").fill("a parameter stores about 5 bits")
    page.get_by_role("link", name="a parameter stores about 5 bits").click()
    assert visitor.place == "claims/collins2017-five-bits.html"
    page.locator("a.figure").click()
    assert visitor.place == "figures/collins2017-capacity.html"
    page.get_by_role("link", name="Executed notebook").click()
    assert visitor.place == "files/notebooks/collins2017-capacity.html"
    assert page.locator("img").evaluate("image => image.naturalWidth") > 500
    page.go_back()
    page.go_back()
    table = page.get_by_role("link", name="The table bits").get_attribute("href")
    assert (visitor.site / "claims" / table).resolve().read_text().startswith("run,")
    page.locator("summary", has_text="The records of its").click()
    record = page.locator("a[href$='.jsonl']:visible").first.get_attribute("href")
    assert (visitor.site / "claims" / record).resolve().read_text().startswith('{"arm"')


def test_a_figure_leads_back_to_its_claims_and_a_cell_to_its_experiments(visit):
    visitor = visit()
    page = visitor.open("figures/haviv2019-speed.html")
    page.locator("#claims-it-shows a[href*='claims/']").first.click()
    assert visitor.place.startswith("claims/haviv2019-")
    page.locator(".facts a[href*='cells/']").first.click()
    assert visitor.place.startswith("cells/")
    page.locator("#where-it-is-trained a[href*='experiments/']").first.click()
    assert visitor.place.startswith("experiments/")


def test_search_finds_a_page_without_a_server(visit):
    visitor = visit()
    page = visitor.open("index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("intersection")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results ul.search li a")
    assert visitor.place == "search.html"
    page.locator("#search-results a", has_text="intersection_rnn").first.click()
    assert "intersection_rnn" in page.locator("h1").inner_text()
    assert not visitor.errors


def test_light_and_dark_are_switched_and_remembered(visit):
    page = visit().open("index.html")

    def background() -> list[int]:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return [int(part) for part in colour.strip("rgba()").split(",")[:3]]

    assert min(background()) > 200
    page.locator(".theme-switch-container button").first.click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.wait_for_timeout(500)
    assert max(background()) < 80
    page.reload()
    assert max(background()) < 80


def test_equations_are_drawn_line_by_line(visit):
    page = visit().open("cells/gru.html")
    heights = page.locator(".equation mtr").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().height)"
    )
    assert len(heights) == 7
    assert min(heights) > 10


def test_the_menu_of_a_phone_leads_to_the_claims(visit):
    visitor = visit("phone")
    page = visitor.open("cells/gru.html")
    page.locator("button.primary-toggle").click()
    page.locator("dialog a, .bd-sidebar-primary a").filter(has_text="Claims").first.click()
    assert visitor.place == "claims/index.html"


def test_the_keyboard_alone_reaches_the_text_first(visit):
    page = visit().open("claims/index.html")
    page.keyboard.press("Tab")
    assert "Skip to main content" in page.evaluate("document.activeElement.innerText")
