"""The script for the first half hour on a GPU runs, as far as it can without one."""

import json
from pathlib import Path

import pytest

from tests import first_gpu


def test_all_looks_are_taken_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "looks.json"
    assert first_gpu.main(["--device", "cpu", "--out", str(kept)]) == 0
    said = json.loads(kept.read_text())
    assert set(said) == {look.__name__ for look in first_gpu.LOOKS} | {"sha256"}
    assert "   gru: right\n" in capsys.readouterr().out
    assert said["recorded"][1].endswith("0.0e+00 apart after ten steps")


def test_a_look_that_fails_keeps_no_other_from_running(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(device):
        """A look."""
        yield "begun"
        raise ValueError("no")

    def fine(device):
        """Another."""
        yield "seen"

    monkeypatch.setattr(first_gpu, "LOOKS", (broken, fine))
    assert first_gpu.main(["--device", "cpu"]) == 1
    assert capsys.readouterr().out == (
        "1. A look.\n   begun\n   FAILED: ValueError: no\n2. Another.\n   seen\n"
    )
