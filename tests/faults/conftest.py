"""Copies of the project to be disturbed, and the page that says what came of it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.kills import COMMAND
from faults.page import page
from faults.processes import COPIES, end
from helpers.copies import copied, surroundings
from helpers.plans import ROOT
from slowpoints.machine.started import heed_signals

# What the copies have different: checkpoints so often that a smoke run has some.
EDITS = (("src/slowpoints/training/trainer.py", "SAVE_EVERY_S = 20.0", "SAVE_EVERY_S = 0.1"),)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--out", type=Path, help="the folder that gets faults.md and faults.json")


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGTERM end the tests as Ctrl-C does, with what they started."""
    heed_signals()


def copy(to: Path, *edits: tuple[str, str, str]) -> Path:
    """Return a copy of the project, edited, whose kernels are compiled already."""
    copied(to)
    for file, old, new in (*EDITS, *edits):
        text = (to / file).read_text()
        assert text.count(old) == 1, file
        (to / file).write_text(text.replace(old, new))
    if (ROOT / ".envs" / "kernels").is_dir():
        shutil.copytree(ROOT / ".envs" / "kernels", to / ".envs" / "kernels")
    COPIES.append(to)
    return to


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """End what a test has left at work in a copy, also where it failed or was stopped."""
    yield
    for folder in COPIES:
        end(folder)


def pytest_sessionfinish() -> None:
    for folder in COPIES:  # those of fixtures that were stopped before a test began
        end(folder)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy after a run that nobody disturbed."""
    folder = copy(tmp_path_factory.mktemp("undisturbed") / "copy")
    done = subprocess.run(
        COMMAND, cwd=folder, env=surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture(scope="session")
def found(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Return where the cases put what they measured, beside what others did before.

    `--out` says where it is kept.
    """
    out = request.config.getoption("--out")
    known = out and (out / "faults.json").is_file()
    measured: dict[str, Any] = json.loads((out / "faults.json").read_text("utf-8")) if known else {}
    yield measured
    if out is not None:
        (out / "faults.json").write_text(
            json.dumps(measured, indent=1, sort_keys=True) + "\n", "utf-8"
        )
        (out / "faults.md").write_text(page(measured), "utf-8")
