"""Every import of ours that a file of the project shows or runs as text finds what it names."""

import importlib
import re
import subprocess

import pytest

from helpers.plans import ROOT

IMPORT = re.compile(r"from (slowpoints[\w.]*) import ([\w ,]+)")
SHOWS = ("*.py", "*.md", "*.ipynb", "*.smk", "Snakefile", "Makefile", "workflow/scripts/*")


def shown() -> list[tuple[str, str, str]]:
    """Return (file, module, name) of every import."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *SHOWS]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = set()
    for file in files.split("\n"):
        if not file or file == "CHANGELOG.md" or not (ROOT / file).is_file():
            continue
        text = (ROOT / file).read_text(encoding="utf-8").replace("\\n", "\n")
        for module, names in IMPORT.findall(text):
            found |= {(file, module, name.split(" as ")[0].strip()) for name in names.split(",")}
    return sorted(own for own in found if own[2] and own[2] != "own")


def test_what_is_imported_in_text_is_there() -> None:
    imports = shown()
    if not imports:
        pytest.skip("no version control here, so no list of files")
    missing = [own for own in imports if not _is_there(own[1], own[2])]
    assert not missing


def _is_there(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name) or bool(
            importlib.import_module(f"{module}.{name}")
        )
    except ImportError:
        return False
