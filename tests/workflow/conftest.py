"""A copy of the project with the cell, task and experiment of the texts added, run once at smoke
scale.
"""

import re
import subprocess
from pathlib import Path

import pytest

from helpers.copies import DRIVER, Snakemake, copied, surroundings
from helpers.texts import TEXTS

ADDED = {  # what the texts tell users to write, under the names it gives
    "src/slowpoints/cells/leaky.py": r'```python\n("""A leaky unit.*?)```',
    "src/slowpoints/tasks/maximum.py": r'```python\n("""Maximum.*?)```',
    "config/experiments/own-maximum.yaml": r"```yaml\n(# yaml-.*?)```",
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the three examples of the texts added, one file each."""
    copy = tmp_path_factory.mktemp("copy") / "slow points"  # a folder name with a space
    copied(copy)
    for name, block in ADDED.items():
        found = re.search(block, TEXTS, re.DOTALL)
        assert found, f"the texts have no example for {name}"
        (copy / name).write_text(found[1])
    return copy


@pytest.fixture(scope="session")
def snakemake(project: Path) -> Snakemake:
    """Return a function that calls Snakemake in the copy.

    The stages run in the environment of the tests.
    """
    env = surroundings()

    def call(
        *words: str, scale: str = "smoke", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        targets = words if words and words[0].startswith("-") else ("--", *words)
        command = [
            str(DRIVER / "snakemake"),
            "--cores",
            "2",
            "--config",
            f"scale={scale}",
            *targets,
        ]
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
