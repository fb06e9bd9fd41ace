"""What a provenance file says of the checkout and the machine."""

import subprocess
from pathlib import Path

import pytest

from slowpoints.provenance import environment


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cell.py").write_text("x = 1\n")
    (tmp_path / "notes.md").write_text("\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(project):
    found = environment.checkout(project)
    assert len(found["commit"]) == 40
    assert (found["dirty"], found["changed"]) == (False, [])


def test_a_changed_file_and_one_that_was_never_committed_are_named(project):
    (project / "src" / "cell.py").write_text("x = 2\n")
    (project / "src" / "new.py").write_text("\n")
    found = environment.checkout(project)
    assert found["dirty"] is True
    assert found["changed"] == ["src/cell.py", "src/new.py"]


def test_a_note_beside_the_code_changes_nothing(project):
    (project / "notes.md").write_text("more\n")
    assert environment.checkout(project)["dirty"] is False


def test_a_copy_inside_another_repository_does_not_take_its_commit(project):
    (project / "copy").mkdir()
    found = environment.checkout(project / "copy")
    assert found == {"commit": "unknown", "dirty": None, "changed": []}


def test_without_git_nothing_is_claimed(project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment.checkout(project)["dirty"] is None


def test_the_processor_has_a_name(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "vendor_id\t: x\nmodel name\t: Quick 3000\nmodel name\t: Quick 3000\n"
    )
    assert environment.processor(tmp_path / "cpuinfo") == "Quick 3000"
    assert environment.processor(tmp_path / "none")


def test_circumstances_can_be_written_down():
    found = environment.now(environment.Begun("1970-01-01T00:00:00Z", 0.0))
    assert found["started"] == "1970-01-01T00:00:00Z"
    assert found["cores"] >= 1
