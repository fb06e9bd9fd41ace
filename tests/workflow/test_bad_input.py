"""Bad input through Snakemake itself: one message, exit status 1, no traceback, no job."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.plans import ROOT
from workflow.conftest import Snakemake

pytestmark = pytest.mark.dag
OWN = "config/experiments/long2016-state.yaml"
CONFIG = "config/config.yaml"
LAUGHS = "".join(f"\nl{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9))


def text(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return change


def end(more: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes() + more.encode())


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


MUTANTS = {  # file, how it is changed, what is said
    "a key twice in the configuration": (CONFIG, end("\nslots: 4\n"), "key 'slots' is given twice"),
    "aliases in the configuration": (CONFIG, end("\nl0: &l0 x" + LAUGHS + "\n"), "config"),
    "an unknown key": (CONFIG, end("\nslot: 4\n"), "unknown key 'slot'; did you mean 'slots'"),
    "a folder of data that is not there": (
        CONFIG,
        text('data_dir: ""', "data_dir: /no where"),
        "is not a folder",
    ),
    "a second notation": (
        OWN,
        text("steps: 3000", "steps: 1_000"),
        "line 7: '1_000' is a number in another notation",
    ),
    "a misspelt stream": (
        OWN,
        text("keep_bias: 1.0", "keep_bias: {gat: 1.0}"),
        "unknown stream of pru 'gat'",
    ),
    "a column that no table has": (
        OWN,
        text("y: mse", "y: msee"),
        "unknown column of the table outcomes 'msee'",
    ),
    "nesting without end": (OWN, end("x: " + "[" * 9000 + "]" * 9000 + "\n"), "levels of nesting"),
    "a folder in place of a file": (OWN, folder, "not a file"),
    "a pin that is none": (
        "data/registry.json",
        text('"sha256": "', '"sha256": "x'),
        "64 hexadecimal digits",
    ),
}


@contextmanager
def changed(path: Path, change: Callable[[Path], None]) -> Iterator[None]:
    kept = path.read_bytes()
    change(path)
    try:
        yield
    finally:
        if path.is_dir():
            path.rmdir()
        path.write_bytes(kept)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_ends_in_one_message(mutant: str, project: Path, snakemake: Snakemake) -> None:
    file, change, message = MUTANTS[mutant]
    with changed(project / file, change):
        done = snakemake("-n", check=False)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert "train_stack" not in done.stdout
    assert len(done.stdout) < 2500, done.stdout


def called_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what Snakemake does in a copy of the project."""
    driver = ROOT / ".envs" / "driver" / "bin"
    path = f"{Path(sys.executable).parent}:{driver}:{os.environ['PATH']}"
    command = [
        str(driver / "snakemake"),
        "--cores",
        "1",
        "results/smoke/data/mnist14.json",
        "--config",
        *words,
    ]
    env = os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"}
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=folder, env=env, check=False, text=True, **out)


@pytest.mark.parametrize("name", ["it's $(touch harm) `here`", "{a} b"])
def test_the_names_of_folders_reach_the_shell_as_they_are(
    name: str, project: Path, tmp_path: Path
) -> None:
    copy = tmp_path / name
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("results", ".snakemake"))
    data = copy / "data; {x} 'own' $(touch harm) d"
    data.mkdir()
    done = called_in(copy, "scale=smoke", f"data_dir={data.name}")
    assert not list(tmp_path.rglob("harm"))
    if "{" in name:
        assert "give it another name" in done.stdout
        assert "Traceback" not in done.stdout
    else:
        assert (copy / "results/smoke/data/mnist14.json").is_file(), done.stdout[-2000:]
