"""Imports point down: which room may import which, read as text."""

import ast
import re
import sys
from pathlib import Path

import pytest

from helpers.plans import ROOT
from slowpoints.spec.digests import closure

PACKAGE = ROOT / "src" / "slowpoints"

# A room may import what stands above it. Rooms in one line do not import each other.
LAYERS = (
    {"errors", "paths"},
    {"spec"},
    {"provenance"},
    {"plan", "measures"},
    {"data", "cells", "dynamics"},
    {"engine"},
    {"tasks"},
    {"training"},
    {"tuning", "ensemble"},
    {"claims", "notebooks"},
    {"analyses", "figures", "machine"},
    {"publish"},
    {"trace"},
    {"command_line"},
    {"cli"},
    {"__main__"},
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
# These stay alone, so that others can take them: nothing of ours but what is named.
ALONE = {
    "spec": {"errors", "paths"},
    "measures": {"errors"},
    "dynamics": {"errors"},
    "cells": {"errors", "spec"},
    "engine": {"errors", "paths", "cells"},
    "tasks": {"errors", "data", "engine"},
    "plan": {"errors", "paths", "spec"},
}
WITHOUT_TORCH = (
    "spec",
    "provenance",
    "plan",
    "measures",
    "claims",
    "figures",
    "machine",
    "notebooks",
    "publish",
    "trace",
)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def file_of(module: str) -> Path:
    """Return the file of one of our modules."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    return base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


@every_file
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    theirs = {name.split(".")[1] for name in imports(path) if name.startswith("slowpoints.")} - {
        own
    }
    wrong = {other for other in theirs if RANK[other] >= RANK[own]}
    assert not wrong, f"{own} must not import {sorted(wrong)}"
    assert theirs <= ALONE.get(own, theirs), f"{own} imports no more than {sorted(ALONE[own])}"


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_what_only_reads_needs_no_torch(name: str) -> None:
    for path in sorted((PACKAGE / name).rglob("*.py")):
        own = ".".join(
            ("slowpoints", *path.relative_to(PACKAGE).with_suffix("").parts)
        ).removesuffix(".__init__")
        for module in closure(own):
            file = file_of(module)
            assert not [other for other in imports(file) if other.split(".")[0] == "torch"], (
                f"{own}: {module}"
            )


def test_one_place_knows_where_results_lie() -> None:
    for path in FILES:
        if path.name != "paths.py":
            built = re.findall(r'f"(?:results|logs|benchmarks|paper/reference)/', path.read_text())
            assert not built, f"{path.relative_to(PACKAGE)}: ask slowpoints.paths for it"


def loaded_with(path: Path) -> set[str]:
    """Return every module that a file imports as it is loaded: not within a function."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_the_dynamics_need_only_torch() -> None:
    """Others install them; `import slowpoints.dynamics` must be light."""
    foreign = set()
    for module in closure("slowpoints.dynamics"):
        foreign |= {name.partition(".")[0] for name in loaded_with(file_of(module))}
    assert foreign - set(sys.stdlib_module_names) - {"slowpoints"} == {"torch"}
