"""Reading a built site as text: what its pages link, load and name."""

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Page(NamedTuple):
    """What one page points at, what it loads by itself, and the places in it."""

    links: list[str]
    loads: list[str]
    places: set[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], [], set())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.page.places.update(given[key] for key in ("id", "name") if key in given)
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.page.loads.append(given["href"])
        self.page.loads.extend(
            given[key] for key in ("src", "data", "poster", "srcset") if key in given
        )


def read(path: Path) -> Page:
    """Return what one page says of others."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def is_remote(target: str) -> bool:
    """Return whether a target is on another machine."""
    return urlsplit(target).scheme in ("http", "https") or target.startswith("//")


def broken(site: Path) -> list[str]:
    """Return every link into the site or beside it that leads nowhere, and every place that a page
    does not have.
    """
    pages = {path.resolve(): read(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for target in [*page.links, *page.loads]:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[place].places if place in pages else None
            if not place.is_file() or (
                parts.fragment and known is not None and unquote(parts.fragment) not in known
            ):
                found.append(f"{path.relative_to(site.resolve())} -> {target}")
    return sorted(set(found))
