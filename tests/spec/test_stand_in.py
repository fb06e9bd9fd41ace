"""Files of cells, tasks and analyses are imported where torch is missing, and nothing is left
behind.
"""

import json
import subprocess
import sys

from helpers.plans import ROOT

PLAN = """
import json, sys
sys.path.insert(0, "src")
from slowpoints.spec import parts
found = {folder: [parts.load(folder, name).__name__ for name in parts.names(folder)] for folder in parts.KIND}
print(json.dumps([found, sorted(name for name in sys.modules if name.partition(".")[0] in ("torch", "numpy"))]))
"""


def test_every_part_is_imported_by_an_interpreter_without_packages() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PLAN], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, left = json.loads(done.stdout)
    assert {folder: len(names) for folder, names in found.items()} == {
        "cells": 12,
        "tasks": 9,
        "analyses": 27,
    }
    assert left == []
