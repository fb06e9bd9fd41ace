"""Places that refuse: a full disk and a read-only folder, for real (they are mounted, which takes
root).
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import one_job
from slowpoints import figures
from slowpoints.provenance import files, records
from slowpoints.training import checkpoint
from slowpoints.training.checkpoint import Checkpoint

MANY = np.random.default_rng(0).random(20_000)
WRITERS: dict[str, Callable[[Path], object]] = {
    "records": lambda path: records.write_lines(path, [{"x": list(MANY)}]),
    "table": lambda path: records.write_table(path, pd.DataFrame({"x": MANY})),
    "arrays": lambda path: records.write_arrays(path, {"x": MANY}),
    "json": lambda path: records.write_json(path, {"x": list(MANY)}),
    "checkpoint": lambda path: checkpoint.save(path, Checkpoint({"x": MANY}, {}), key="test"),
    "figure": lambda path: _drawn(path),
    "text": lambda path: files.write_text(path, "x" * 100_000),
}


def _drawn(path: Path) -> None:
    figure, axis = plt.subplots()
    axis.plot(MANY)
    figures.save(figure, pdf=str(path.with_suffix(".pdf")), png=str(path.with_suffix(".png")))


def mounted(folder: Path, *how: str) -> None:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *how, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting takes root, and a machine that lets it: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of 64 kB."""
    mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    yield tmp_path / "disk"
    subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk that cannot be written."""
    mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k,ro", "tmpfs")
    yield tmp_path / "disk"
    subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)


@pytest.mark.usefixtures("_fresh_sheet")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_leaves_nothing_half_written_and_is_no_harm_once_there_is_space(
    kind: str, small_disk: Path, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        WRITERS[kind](small_disk / "x.txt")
    assert list(small_disk.iterdir()) == []
    (tmp_path / "elsewhere").mkdir()
    WRITERS[kind](tmp_path / "elsewhere" / "x.txt")
    kept = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    assert kept == (["x.pdf", "x.png"] if kind == "figure" else ["x.txt"])


def test_a_job_on_a_full_disk_ends_in_one_line_and_goes_on_when_there_is_space(
    small_disk: Path,
) -> None:
    (small_disk / "filler").write_bytes(bytes(60_000))
    done = one_job.call(small_disk)
    assert done.returncode == 1
    last = f"slowpoints train: [Errno 28] No space left on device: '{small_disk / 'x.weights'}'"
    assert done.stderr.splitlines()[-1] == last
    assert "Traceback" not in done.stderr
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=9M", str(small_disk)], check=True)
    assert one_job.call(small_disk).returncode == 0


def test_a_job_in_a_read_only_folder_ends_in_one_line_that_names_it(read_only: Path) -> None:
    done = one_job.call(read_only)
    *log, last = done.stderr.splitlines()
    assert (done.returncode, len(log)) == (1, 2), done.stderr  # what it does, and that it failed
    assert "Read-only file system" in last
    assert str(read_only) in last


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which takes root")
def test_a_job_in_a_folder_of_another_user_ends_in_one_line_that_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups", *one_job.command(folder)]
    done = subprocess.run(
        as_nobody, env=one_job.surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr


SEALED = {"x": 1.5, "name": "a"}


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "emptied", "another type"])
def test_damaged_json_is_named_with_the_way_to_rebuild(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    records.write_json(path, SEALED)
    assert files.read_json(path) == SEALED
    content = path.read_bytes()
    {
        "missing": path.unlink,
        "truncated": lambda: path.write_bytes(content[:-9]),
        "flipped": lambda: path.write_bytes(content.replace(b"1.5", b"1.7")),
        "emptied": lambda: path.write_bytes(b""),
        "another type": lambda: path.write_bytes(b"[1]"),
    }[damage]()
    with pytest.raises(
        files.BadResult, match=r"x\.json: (damaged|missing).*rebuild it with: snakemake"
    ):
        files.read_json(path)
