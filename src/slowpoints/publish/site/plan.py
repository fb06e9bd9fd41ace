"""What the site is made from: asked while planning, so standard library and yaml only."""

import re
from functools import cache
from hashlib import sha256
from pathlib import Path

from slowpoints import paths
from slowpoints.paths import PACKAGE, ROOT
from slowpoints.plan import dag
from slowpoints.spec.canonical import digest
from slowpoints.spec.digests import code
from slowpoints.spec.parts import names

OWN = Path(__file__).parent
WORDS = ("README.md", "docs/*.md", "docs/benchmarks/*", "docs/guides/*.md", "docs/guides/*/*.png",
         "notebooks/*.ipynb", "config/experiments/*.yaml", "src/slowpoints/cells/*.py")  # fmt: skip
# What a Python file says on the site: docstrings, signatures, fields. Parsing all files would
# double planning's time.
SAYS = re.compile(r'"""[\s\S]*?"""|^ *(?:def|class) [\s\S]*?:$|^ +\w+: .+$', re.MULTILINE)


def inputs(scale: str) -> dict[str, list[str]]:
    """Return the results that the site shows."""
    return {
        "claims": [paths.whole(scale, name) for name in ("claims.csv", "headlines.csv")],
        "paper": [paths.whole(scale, "paper.pdf")],
        "cells": [paths.whole(scale, "cells.json")],
        "tables": [table for name in dag.experiments(scale) for table in dag.tables(scale, name)],
        "figures": [
            paths.figure(scale, name, kind)
            for name in dag.figure_names()
            for kind in (".png", ".pdf")
        ],
        "notebooks": [paths.figure_page(scale, name) for name in dag.figure_names()],
    }


@cache
def cfg(scale: str) -> str:
    """Return a digest of all words on the site that are not results.

    Another word makes another site.
    """
    quoted = sorted(path for pattern in WORDS for path in ROOT.glob(pattern))
    quoted += sorted([*OWN.glob("templates/*"), *OWN.glob("static/*")])
    said = {
        str(path): SAYS.findall(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    return digest(
        [
            scale,
            [(path.name, sha256(path.read_bytes()).hexdigest()) for path in quoted],
            list(said.values()),
        ]
    )


def cells_params() -> tuple[str, str]:
    """Return (cfg, code) of the equations: the names of the cells.

    Their code, and what writes them.
    """
    known = names("cells")
    return digest(known), code(
        "slowpoints.engine.equations", *(f"slowpoints.cells.{name}" for name in known)
    )
