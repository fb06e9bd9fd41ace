"""The recurrent cells. The folder is the registry.

A file's name is the name used in experiments.
"""

import importlib
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """Return the names of all cells, sorted: the public files of this folder."""
    files = {file.stem for folder in __path__ for file in Path(folder).glob("[!_]*.py")}
    return sorted(files - {"definition", "network"})


def load(name: str) -> ModuleType:
    """Return the module defining cell `name`: its `Settings` and `build(settings)`."""
    if name not in names():
        raise KeyError(f"unknown cell {name!r}; known: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
