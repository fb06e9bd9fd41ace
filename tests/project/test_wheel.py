"""What others install: a wheel, in an environment of its own, away from the project."""

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from helpers.copies import DRIVER, copied
from helpers.plans import ROOT

OWN = """
import torch
torch.manual_seed(0)
gru = torch.nn.GRU(3, 6)
sequences = torch.randn(20, 8, 3)
"""
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy, out = tmp_path_factory.mktemp("source") / "project", tmp_path_factory.mktemp("wheel")
    copied(copy)
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True
    )
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that has the wheel; torch and the rest are those of the tests."""
    env = tmp_path_factory.mktemp("fresh") / "env"
    uv = str(DRIVER / "uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(env)], check=True)
    words = ["pip", "install", "-q", "--offline", "--no-deps", "--python", str(env / "bin/python")]
    subprocess.run([uv, *words, str(wheel)], check=True)
    (packages,) = env.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return env


def called(env: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own |= {"XDG_CACHE_HOME": str(cwd / "cache")}
    command = [str(env / "bin" / words[0]), *words[1:]]
    return subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, check=False)


def test_it_has_the_package_its_types_and_its_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"slowpoints/py.typed", "slowpoints/publish/site/templates/cell.md.j2"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def test_it_says_what_it_needs(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    needs = re.findall(r"^Requires-Dist: (\w+)(?!.*extra)", archive.read(name).decode(), re.M)
    assert sorted(needs) == ["numpy", "scipy", "torch"]


def test_the_snippet_of_the_readme_runs_where_it_is_installed(
    installed: Path, tmp_path: Path
) -> None:
    section = (ROOT / "README.md").read_text().partition("## Use it")[2]
    (code, *_) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "snippet.py").write_text(OWN + code + "print(points.eigenvalues.shape)\n")
    done = called(installed, "python", "snippet.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_kernels_are_kept_in_the_cache_of_the_user(installed: Path, tmp_path: Path) -> None:
    ask = "from slowpoints.engine.cpu import build; print(next(build.folders()))"
    done = called(installed, "python", "-c", ask, cwd=tmp_path)
    assert done.stdout.strip() == str(tmp_path / "cache" / "slowpoints" / "kernels")


def test_the_command_says_where_it_works(installed: Path, tmp_path: Path) -> None:
    assert called(installed, "slowpoints", "--help", cwd=tmp_path).returncode == 0
    done = called(installed, "slowpoints", "doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "works in a checkout of the project" in done.stderr
