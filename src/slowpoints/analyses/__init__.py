"""From trained networks and their records to tidy tables.

One file per analysis, named as in the experiment's YAML.
"""

import importlib
from pathlib import Path

from slowpoints.analyses._given import Analysis


def names() -> list[str]:
    """Return the known analyses: the public files of this folder, sorted."""
    return sorted(file.stem for folder in __path__ for file in Path(folder).glob("[!_]*.py"))


def load(name: str) -> Analysis:
    """Return the analysis that a file of this folder defines."""
    if name not in names():
        raise KeyError(f"unknown analysis {name!r}; known: {', '.join(names())}")
    return Analysis(importlib.import_module(f"{__name__}.{name}"))
