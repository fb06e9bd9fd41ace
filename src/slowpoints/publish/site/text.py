"""Words of the project as Markdown of the site.

Docstrings, pages with links into the repository, notebooks.
"""

import json
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

CODE = re.compile(r"(```.*?```|`[^`\n]+`|^(?: {4}[^\n]*\n?)+)", re.MULTILINE | re.DOTALL)
SPECIAL = re.compile(r"([*<>$\[\]_|#])")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
# a file of the repository, or a part of it -> where the site has it
Find = Callable[[str], str | None]


def escaped(text: str) -> str:
    """Return plain text so that Markdown shows it as it is."""
    return SPECIAL.sub(r"\\\1", text)


def docstring(text: str) -> str:
    """Return a docstring as Markdown: code and indented lines stay, the rest is prose, lists and
    tables.
    """
    parts = CODE.split(text)
    return "".join(
        part if i % 2 else re.sub(r"([*<$\[\]])", r"\\\1", part) for i, part in enumerate(parts)
    )


def relinked(text: str, *, folder: str, find: Find) -> str:
    """Return Markdown whose links into the repository lead to the site's pages.

    Where it has none, the words stay.
    """

    own = {anchor(title) for title in re.findall(r"^#+ +(.+)$", text, re.MULTILINE)}

    def link(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if re.match(r"[a-z]+:", target) or (target[0] == "#" and target[1:] in own):
            return found[0]
        place = find(posixpath.normpath(posixpath.join(folder, target)))
        return words if place is None else f"{picture}[{words}]({place})"

    return "".join(
        part if i % 2 else LINK.sub(link, part) for i, part in enumerate(CODE.split(text))
    )


def anchor(title: str) -> str:
    """Return the name under which a heading is linked, as on the pages of the repository."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def notebook_words(path: Path) -> tuple[str, str]:
    """Return (title, prose) of a figure's notebook: its first cell."""
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    title, _, prose = first.partition("\n")
    return title.lstrip("# ").strip(), prose.strip()
