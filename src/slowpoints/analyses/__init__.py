"""From trained networks and their records to tidy tables.

One file per analysis, named as in the experiment's YAML.
"""

import importlib
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """Return the known analyses: the public files of this folder, sorted."""
    return sorted(file.stem for folder in __path__ for file in Path(folder).glob("[!_]*.py"))


def load(name: str) -> ModuleType:
    """Return the module defining analysis `name`."""
    if name not in names():
        raise KeyError(f"unknown analysis {name!r}; known: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
