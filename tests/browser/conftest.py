"""A finished site in a real browser, opened from the file system.

What was found can be kept as a page of docs/.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).resolve().parents[2] / "results" / "laptop" / "site"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LEVELS = ("critical", "serious", "moderate", "minor")
VIEWS = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (390, 844, "light")}
PAGE = """\
# The site in a browser

Written by `make site-test`: {browser}, without a window, opens the site of the `{scale}` scale from the file system,
clicks, types and looks. The site has {n_pages} pages in {n_files} files, {megabytes} MB.

| browser tests | |
|---|---|
| passed | {passed} |
| failed | {failed} |
| skipped | {skipped} |

Each of {n_kinds} kinds of page is opened light, dark and as wide as a phone. None may log an error, ask for anything
but files, be wider than the screen, or break a rule of axe-core {axe} that it counts as critical or serious. Rules
broken, over all {n_visits} visits:

| level | broken |
|---|---|
{levels}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site", type=Path, default=SITE, help="a built site")
    parser.addoption("--write", type=Path, help="folder for site.md and site.json")


class Found:
    """What the visits of this session found."""

    def __init__(self) -> None:
        self.levels: Counter[str] = Counter()
        self.visits: list[tuple[str, str]] = []
        self.facts: dict[str, Any] = {}


FOUND = pytest.StashKey[Found]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FOUND] = Found()


@pytest.fixture(scope="session")
def found(request: pytest.FixtureRequest) -> Found:
    return request.config.stash[FOUND]


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, found: Found) -> Path:
    folder: Path = request.config.getoption("--site", SITE).resolve()
    if not (folder / "index.html").is_file():
        pytest.skip(f"no site at {folder}: build it with `snakemake --cores 2 site`")
    files = [path for path in folder.rglob("*") if path.is_file()]
    found.facts |= {
        "scale": folder.parent.name,
        "n_files": len(files),
        "n_pages": sum(path.suffix == ".html" for path in files),
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6),
    }
    return folder


@pytest.fixture(scope="session")
def browser(found: Found) -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="`make site-test` has a browser's driver"
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser on this machine: install one of {', '.join(BROWSERS)}")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # no browser keeps its sandbox as root
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=sandbox)
        found.facts["browser"] = f"Chromium {started.version}"
        yield started
        started.close()


class Visitor:
    """One window; what its pages log and ask for."""

    def __init__(self, page: Any, site: Path) -> None:
        self.page, self.site = page, site
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda said: self.errors.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, name: str) -> Any:
        self.page.goto(f"{self.site.as_uri()}/{name}")
        return self.page

    @property
    def place(self) -> str:
        """Return the page that is open, as named from the site's root."""
        return (
            str(self.page.url)
            .partition("?")[0]
            .partition("#")[0]
            .removeprefix(f"{self.site.as_uri()}/")
        )


@pytest.fixture
def visit(browser: Any, site: Path) -> Iterator[Callable[[str], Visitor]]:
    """Return a function that opens a window: light, dark or a phone's."""
    contexts = []

    def opened(view: str = "light") -> Visitor:
        width, height, scheme = VIEWS[view]
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        )
        contexts[-1].set_default_timeout(20_000)
        return Visitor(contexts[-1].new_page(), site)

    yield opened
    for context in contexts:
        context.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    folder, found = config.getoption("--write", None), config.stash[FOUND]
    if folder is None or not found.visits:
        return
    counts = {
        outcome: len(terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed", "skipped")
    }
    levels = {level: found.levels[level] for level in LEVELS}
    facts = {**found.facts, **counts, "levels": levels, "n_visits": len(found.visits),
             "n_kinds": len({name for name, _ in found.visits})}  # fmt: skip
    (folder / "site.json").write_text(
        json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    rows = "\n".join(f"| {level} | {n} |" for level, n in levels.items())
    (folder / "site.md").write_text(PAGE.format(**{**facts, "levels": rows}), encoding="utf-8")
