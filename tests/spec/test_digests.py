"""Digests of code and environments: what changes them, and what must not."""

import shutil
from pathlib import Path

import pytest

from slowpoints.paths import PACKAGE
from slowpoints.spec import digests


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package that the digests look at."""
    package = tmp_path / "src" / "slowpoints"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digests, "PACKAGE", package)
    return package


def fresh(*modules: str) -> str:
    for known in (digests._parsed, digests._ours, digests._path):
        known.cache_clear()
    digests.code.cache_clear()
    return digests.code(*modules)


GRU = ("slowpoints.training.job", "slowpoints.cells.gru", "slowpoints.tasks.memorization")
PRU = ("slowpoints.training.job", "slowpoints.cells.pru", "slowpoints.tasks.memorization")
TUNED = ("slowpoints.tuning.study", "slowpoints.cells.gru", "slowpoints.tasks.memorization")


def test_comments_docstrings_and_layout_do_not_count(copy: Path) -> None:
    before, path = fresh(*GRU), copy / "cells" / "gru.py"
    text = path.read_text()
    path.write_text(
        "# a comment\n" + text.replace('"""Return the cell', '"""Give back the cell', 1) + "\n\n"
    )
    assert fresh(*GRU) == before


def test_an_edit_counts_where_the_module_is_used_and_nowhere_else(copy: Path) -> None:
    gru, pru = fresh(*GRU), fresh(*PRU)
    path = copy / "cells" / "gru.py"
    path.write_text(path.read_text().replace("(1 - u)", "(2 - u)"))
    assert fresh(*GRU) != gru
    assert fresh(*PRU) == pru


@pytest.mark.parametrize(
    "module",
    [
        "training/optimiser.py",
        "provenance/records.py",
        "spec/seeds.py",
        "engine/recurrence.py",
        "training/batches.py",
    ],
)
def test_an_edit_to_shared_code_counts_for_training(copy: Path, module: str) -> None:
    before = fresh(*GRU)
    (copy / module).write_text((copy / module).read_text() + "\nADDED = 1\n")
    assert fresh(*GRU) != before


@pytest.mark.parametrize("trained", [GRU, TUNED], ids=["train", "tune"])
@pytest.mark.parametrize(
    "module",
    [
        "cli.py",
        "plan/dag.py",
        "measures/statistics.py",
        "spec/claims.py",
        "spec/experiment.py",
        "spec/sizes.py",
        "figures/style.py",
    ],
)
def test_an_edit_to_what_does_not_train_never_retrains(
    copy: Path, module: str, trained: tuple[str, ...]
) -> None:
    before = fresh(*trained)
    (copy / module).write_text((copy / module).read_text() + "\nADDED = 1\n")
    assert fresh(*trained) == before


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"slowpoints\.cells\.none"):
        digests.code("slowpoints.cells.none")


def test_a_digest_may_be_declared_equal_to_an_older_one(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = fresh(*GRU)
    (tmp_path / "equal.json").write_text(f'{{"{own}": "older"}}')
    monkeypatch.setattr(digests, "EQUAL", tmp_path / "equal.json")
    assert fresh(*GRU) == "older"


def test_environments_differ_by_stage_and_by_torch_build() -> None:
    found = {
        digests.env("driver"),
        digests.env("train"),
        digests.env("train", torch="cuda"),
        digests.env("figures"),
    }
    assert len(found) == 4
    assert digests.env("figures") == digests.env("figures", torch="cuda"), "no torch, no difference"
