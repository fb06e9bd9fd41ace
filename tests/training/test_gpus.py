"""Jobs side by side take different GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.plans import ROOT
from slowpoints.training import gpus

HOLD = """
import sys
from pathlib import Path
from slowpoints.training import gpus
print(gpus.take(2, folder=Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_each_takes_one_that_is_free_and_then_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [gpus.take(3, folder=tmp_path) for _ in range(3)] == [0, 1, 2]
    assert gpus.take(3, folder=tmp_path) == os.getpid() % 3


def test_a_process_takes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gpus.of_this_process.cache_clear()
    assert [gpus.of_this_process(3) for _ in range(3)] == [0, 0, 0]
    gpus.of_this_process.cache_clear()


def test_one_that_is_named_otherwise_elsewhere_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpus.take(1, folder=tmp_path) == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0, 1,2")
    assert [gpus.take(3, folder=tmp_path) for _ in range(2)] == [0, 2]


def test_it_is_free_again_when_its_process_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "0"
        assert gpus.take(2, folder=tmp_path) == 1
        other.kill()
    assert gpus.take(1, folder=tmp_path) == 0
