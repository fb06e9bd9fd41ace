"""A copy of the project with a cell, a task and an experiment of a user's own, run once at smoke scale."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plans import ROOT

OWN_CELL = '''"""A leaky unit: the state forgets at a fixed rate (a user's own cell)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell

JOINS = ("long2016",)


@dataclass(frozen=True)
class Settings:
    """The leak."""

    leak: float = 0.5


def build(settings: Settings) -> Cell:
    """Return the cell with its leak set."""

    @cell(streams=("candidate",))
    def leaky(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return ((1 - settings.leak) * s.h + settings.leak * torch.tanh(p.candidate),)

    return leaky
'''

OWN_EXPERIMENT = """paper: long2016
question: Does a task of my own train?
task: {name: parity, n_steps: 5}
net: {cell: leaky, units: 4}
train: {steps: 40, batch: 32, lr: 0.01, eval_every: 20}
arms: {leaky: {net.cell: leaky}}
seeds: 2
analyses: [outcomes]
scales: {smoke: {}, laptop: {}, paper: {}}
"""

Snakemake = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with three files added."""
    copy = tmp_path_factory.mktemp("copy") / "slow points"  # a folder name with a space
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    package = copy / "src" / "slowpoints"
    (package / "cells" / "leaky.py").write_text(OWN_CELL)
    task = (package / "tasks" / "adding.py").read_text()
    (package / "tasks" / "parity.py").write_text(task.replace("adding:", "parity:"))
    (copy / "config" / "experiments" / "own-parity.yaml").write_text(OWN_EXPERIMENT)
    return copy


@pytest.fixture(scope="session")
def snakemake(project: Path) -> Snakemake:
    """Return a function that calls Snakemake in the copy; the stages run in the environment of the tests."""
    driver = ROOT / ".envs" / "driver" / "bin"
    path = f"{Path(sys.executable).parent}:{driver}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"}

    def call(*words: str, scale: str = "smoke", check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(driver / "snakemake"), "--cores", "2", "--config", f"scale={scale}", "--", *words]
        if words and words[0].startswith("-"):
            command = [str(driver / "snakemake"), "--cores", "2", *words, "--config", f"scale={scale}"]
        done = subprocess.run(
            command,
            cwd=project,
            env=env,
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0 or not check, done.stdout[-4000:]
        return done

    return call


@pytest.fixture(scope="session")
def finished(project: Path, snakemake: Snakemake) -> Path:
    """Return the copy after one whole run at smoke scale."""
    snakemake()
    return project
