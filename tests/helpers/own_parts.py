"""A file of a cell, a task or an analysis called `own`, beside those of the project."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slowpoints.spec import parts


def writer(folder: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that writes the file of `own` in a folder that the package then has too."""
    package = importlib.import_module(f"slowpoints.{folder}")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(place)])
    for function in ("load", "names"):
        monkeypatch.setattr(parts, function, getattr(parts, function).__wrapped__)
    monkeypatch.delattr(package, "own", raising=False)

    def write(text: str) -> None:
        monkeypatch.delitem(sys.modules, f"slowpoints.{folder}.own", raising=False)
        importlib.invalidate_caches()
        (place / "own.py").write_text(text, encoding="utf-8")

    return write
