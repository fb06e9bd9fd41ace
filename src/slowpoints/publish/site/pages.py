"""The pages as Markdown, one template per kind.

What they show besides is copied to `files/`, records are linked.
"""

import operator
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slowpoints import paths
from slowpoints.claims.printing import corrected, with_interval
from slowpoints.paths import ROOT
from slowpoints.plan import dag
from slowpoints.publish import readme
from slowpoints.publish.site import documented, interval, text
from slowpoints.publish.site.facts import Facts, Judged

TEMPLATES = Path(__file__).parent / "templates"
GUIDES = ROOT / "docs" / "guides"  # run, with their outputs: `make guides`
LIBRARY = ("dynamics", "ensemble")  # what people import for networks of their own
DOCS = Path("docs")  # pages to be read
MEASURED = DOCS / "benchmarks"  # what was measured, each page with the numbers behind it
ELSEWHERE = ("claims",)  # the site has pages of its own for these
SECTIONS = ("claims", "figures", "experiments", "cells", "tasks", "guide", "measured", "api")
VERDICTS = (  # in the order of the bars
    "holds",
    "better than claimed",
    "undecided",
    "not testable here",
    "fails",
    "not judged at this scale",
)
LINKED = re.compile(r"\[(.*)\]\((.*)\)")


def write(facts: Facts, source: Path) -> None:
    """Write every page under `source`."""
    templates = _environment(facts)
    for name, (kind, context) in _pages(facts).items():
        path = source / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(templates.get_template(f"{kind}.md.j2").render(context), encoding="utf-8")
    shutil.copytree(GUIDES, source / "guides", ignore=shutil.ignore_patterns("*.md"))


def _pages(facts: Facts) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return {page: (template, what it shows)}."""
    pages: dict[str, tuple[str, dict[str, Any]]] = {"index": ("index", {})}
    pages |= {f"{section}/index": (f"{section}-all", {}) for section in SECTIONS}
    pages |= {f"claims/{claim.id}": ("claim", {"claim": claim}) for claim in facts.claims}
    pages |= {f"figures/{name}": ("figure", {"figure": own}) for name, own in facts.figures.items()}
    pages |= {
        f"experiments/{name}": ("experiment", {"study": own}) for name, own in facts.studies.items()
    }
    pages |= {f"cells/{name}": ("cell", {"part": own}) for name, own in facts.cells.items()}
    pages |= {f"tasks/{name}": ("task", {"part": own}) for name, own in facts.tasks.items()}
    pages |= {name: ("words", {"words": words}) for name, words in _words().items()}
    pages |= {
        f"api/{name}": ("api", {"package": name, "modules": own})
        for name, own in _packages().items()
    }
    return pages


def copy_files(facts: Facts, folder: Path) -> None:
    """Copy what the pages link: figures, executed notebooks, tables, the paper, the numbers behind
    `docs/`.
    """
    root = Path(paths.results(facts.scale))
    found = [(root / "paper.pdf", "paper.pdf")]
    for name in facts.figures:
        found += [
            (root / "figures" / f"{name}.{kind}", f"figures/{name}.{kind}")
            for kind in ("png", "pdf")
        ]
        found += [(root / "notebooks" / f"{name}.html", f"notebooks/{name}.html")]
    for name in facts.studies:
        found += [
            (Path(table), f"tables/{name}/{Path(table).name}")
            for table in dag.tables(facts.scale, name)
        ]
    found += [(path, f"docs/{path.name}") for path in sorted((ROOT / MEASURED).glob("*.json"))]
    for path, place in found:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / place)


def _environment(facts: Facts) -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.tests["contains"] = operator.contains
    env.filters |= {
        "md": text.escaped,
        "docstring": text.docstring,
        "corrected": corrected,
        "cell": readme.in_cell,
    }
    env.globals |= {
        "facts": facts,
        "papers": {paper: _paper(paper) for paper in _in_order(facts)},
        "verdicts": VERDICTS,
        "interval": _interval,
        "value": value,
        "count": _count,
        "words_pages": list(_words()),
        "packages": _packages(),
        "library": {package: documented.offered(package) for package in LIBRARY},
    }
    return env


def _in_order(facts: Facts) -> list[str]:
    return list(
        dict.fromkeys([*readme.PAPERS, *(study.own.paper for study in facts.studies.values())])
    )


def _paper(paper: str) -> tuple[str, str]:
    """Return (name, address) of a paper; one that only the user knows has no address."""
    name = readme.PAPERS.get(paper, paper)
    found = LINKED.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def value(row: dict[str, Any]) -> str:
    """Return the estimate with its interval; a dash where nothing was estimated."""
    if row["estimate"] != row["estimate"]:
        return "–"
    return with_interval(row["estimate"], row["low"], row["high"])


def _interval(judged: Judged, width: int) -> str:
    found = interval.Estimate(judged.row["estimate"], judged.row["low"], judged.row["high"])
    return interval.drawing(judged.claim.test, found, width=width)


def _count(claims: Iterable[Judged], verdict: str, paper: str = "") -> int:
    return sum(c.row["verdict"] == verdict and paper in ("", c.row["paper"]) for c in claims)


def _words() -> dict[str, str]:
    """Return {page: Markdown} of what people wrote: the README, the pages of docs/, the guides."""
    words = (ROOT / "README.md").read_text(encoding="utf-8")
    words = re.sub(rf"{re.escape(readme.BEGIN)}.*?{re.escape(readme.END)}", "", words, flags=re.S)
    opening = [line for line in words.splitlines()[1:] if not line.startswith("![")]
    start = "# Start\n" + "\n".join(opening)
    found = {"guide/start": text.relinked(start, folder=".", find=_find)}
    for path in sorted(GUIDES.glob("*.md")):
        words = path.read_text(encoding="utf-8").replace("![png]", "![what the code above draws]")
        found[f"guide/{path.stem}"] = text.relinked(words, folder="docs/guides", find=_find)
    for page in (
        page for folder in (DOCS, MEASURED) for page in sorted((ROOT / folder).glob("*.md"))
    ):
        if page.stem in ELSEWHERE:
            continue
        words, place = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
        if page.with_suffix(".json").is_file():
            words += (
                f'\n<a href="../files/docs/{page.stem}.json">The numbers behind this page</a>\n'
            )
        found[_page_of(place).strip("/")] = text.relinked(
            words, folder=str(place.parent), find=_find
        )
    return found


def _page_of(place: Path) -> str:
    """Return the page of a file of docs/ or below."""
    if place.stem in ELSEWHERE:
        return f"/{place.stem}/index"
    return f"/{'measured' if place.parent == MEASURED else 'guide'}/{place.stem}"


def _find(target: str) -> str | None:
    """Return where the site has a file of the repository, or None."""
    path, _, _ = target.partition("#")
    name = Path(path)
    kept = name.suffix == ".png" and path.startswith("paper/reference/")
    if path == "README.md":
        return "/guide/start.md"
    if name.parent in (DOCS, MEASURED) and name.suffix == ".md":
        return f"{_page_of(name)}.md"
    if name.parent in (Path("notebooks/guides"), Path("docs/guides")):
        return f"/guide/{name.stem}.md"
    if Path("docs/guides") in name.parents and name.suffix == ".png":
        return f"/{name.relative_to('docs')}"
    if (name.parent == Path("notebooks") or kept) and name.stem in dag.figure_names():
        return f"/figures/{name.stem}.md"
    return None


def _packages() -> dict[str, list[documented.Module]]:
    """Return the modules by package; those on the top level together."""
    found: dict[str, list[documented.Module]] = {}
    for module in documented.modules():
        package, dot, _ = module.name.partition(".")
        is_package = bool(dot) or (ROOT / "src" / "slowpoints" / package).is_dir()
        found.setdefault(package if is_package else "modules", []).append(module)
    return dict(sorted(found.items()))
