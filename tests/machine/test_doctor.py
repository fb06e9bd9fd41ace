"""The doctor: what it sees, what it says to do, and that it works on a machine where nothing is set
up.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from helpers.plans import ROOT
from slowpoints.machine.doctor import Finding, filesystem, machine, project, reach, speed, text
from slowpoints.machine.doctor.words import duration
from slowpoints.machine.processes import workflows

SCRIPT = "workflow/scripts/doctor"
PARTS = (
    SCRIPT,
    "config/config.yaml",
    "docs/benchmarks/costs.json",
    "data",
    "envs",
    "src/slowpoints",
)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Return what the doctor reads of a fresh clone."""
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("__pycache__", "downloads")
            )
        else:
            shutil.copy(source, target)
    return tmp_path


def asked(root: Path, **environment: str) -> tuple[int, str]:
    bare = {"PATH": os.environ["PATH"], "HOME": str(root), **environment}
    done = subprocess.run(
        [sys.executable, root / SCRIPT], env=bare, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_fresh_clone_is_looked_at_before_set_up(fresh: Path) -> None:
    status, said = asked(fresh, PIP_NO_INDEX="1")
    assert "driver: not built; train: not built" in said
    assert "verified: mnist14, fashion14, text8-1m" in said
    assert "scale laptop   about " in said
    assert status == (" problems, " in said and "\n0 problems" not in said)


def test_a_problem_is_exit_status_one_with_its_remedy(fresh: Path) -> None:
    (fresh / "data/mnist14/t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    status, said = asked(fresh, PIP_NO_INDEX="1")
    assert status == 1
    assert "PROBLEM  shipped data   missing or not as pinned: mnist14" in said
    assert "-> restore them from version control" in said


def test_the_script_can_be_read_by_python_3_6_and_refuses_it() -> None:
    source = (ROOT / SCRIPT).read_text()
    ast.parse(source, feature_version=(3, 6))
    old = (
        "import runpy, sys; sys.version_info = (3, 6, 9); "
        f"runpy.run_path({str(ROOT / SCRIPT)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", old], env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needed is 3.11 or newer" in done.stdout
    assert done.stderr == ""


def test_settings_are_read_without_yaml_as_yaml_reads_them() -> None:
    found = project.settings(ROOT)
    assert found == {
        key: str(value)
        for key, value in yaml.safe_load((ROOT / "config/config.yaml").read_text()).items()
    }


def test_an_environment_is_fresh_only_where_it_was_built_and_from_its_locks(fresh: Path) -> None:
    assert set(project.to_build(fresh, torch="cpu").values()) == {"not built"}
    folder = fresh / ".envs/train"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    locks = (fresh / "envs/train.lock").read_text() + (fresh / "envs/torch-cpu.lock").read_text()
    (folder / ".stamp").write_text(f"{folder}\n{locks}")
    assert "train" not in project.to_build(fresh, torch="cpu")
    assert project.to_build(fresh, torch="cuda")["train"] == "not built"
    (folder / ".stamp").write_text(f"{folder}\n{locks}# newer\n")
    assert project.to_build(fresh, torch="cpu")["train"] == "built from other locks"
    (folder / ".stamp").write_text(f"/elsewhere\n{locks}")
    assert "moved" in project.to_build(fresh, torch="cpu")["train"]


def test_data_of_ones_own_are_found_verified_or_named(fresh: Path, tmp_path: Path) -> None:
    registry = json.loads((fresh / "data/registry.json").read_text())
    content = b"the text"
    registry["files"]["text8.zip"] |= {
        "bytes": len(content),
        "sha1": hashlib.sha1(content).hexdigest(),
    }
    (fresh / "data/registry.json").write_text(json.dumps(registry))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "text8.zip").write_bytes(content)
    (fresh / "data/downloads").mkdir()
    (fresh / "data/downloads/cifar-10-binary.tar.gz").write_bytes(b"cut off")
    found = {(own.level, own.what): own.says for own in project.data(fresh, str(mine))}
    assert found["problem", "other data"] == "not the pinned files: cifar10"
    assert found["ok", "other data"] == "verified: text8"
    assert "mnist" in found["note", "other data"]
    assert project.data(fresh, str(mine / "nowhere"))[1].level == "problem"


def test_a_lock_without_a_run_is_a_problem_and_with_one_is_none(fresh: Path) -> None:
    assert project.runs(fresh).level == "ok"
    (fresh / ".snakemake/locks").mkdir(parents=True)
    (fresh / ".snakemake/locks/0.input.lock").touch()
    assert "snakemake --unlock" in project.runs(fresh).todo
    program = fresh / "snakemake"
    program.write_text("import time; print('up', flush=True); time.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, program], cwd=fresh, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        assert workflows(fresh) == [started.pid]
        assert project.runs(fresh).level == "note"
        started.kill()
    assert workflows(fresh) == []


def test_the_file_system_is_tried_and_left_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filesystem.tried(tmp_path).level == "ok"
    assert list(tmp_path.iterdir()) == []
    assert filesystem.writable(Path("/proc/nothing")).level == "problem"
    # a mount whose locks keep nobody out
    monkeypatch.setattr(filesystem.fcntl, "flock", lambda *given: None)
    assert "a lock does not keep a second process out" in filesystem.tried(tmp_path).says


def test_a_clock_apart_from_the_file_systems_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.clock(tmp_path).level == "ok"
    now = time.time()
    monkeypatch.setattr(machine.time, "time", lambda: now - 3600)
    assert "+3600 s off" in machine.clock(tmp_path).says


def test_a_gpu_is_asked_for_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "output", lambda *words: None)
    assert machine.gpu({"device": "cuda"}).level == "problem"
    assert machine.gpu({"device": "cpu"}).level == "ok"
    monkeypatch.setattr(machine, "output", lambda *words: "A card, 80000 MiB\n")
    assert machine.gpu({"device": "cuda", "torch": "cpu"}).level == "problem"
    assert machine.gpu({"device": "cuda", "torch": "cuda"}) == Finding(
        "ok", "GPU", "A card, 80000 MiB"
    )
    assert machine.gpu({"device": "cpu"}).level == "note"


COST = {"measured": True, "jobs": 9, "seconds": 1000, "longest_s": 300, "max_rss_mb": 1000}


def here(*, cores: int, gigabytes: float = 64, rounds: float = 10.0) -> reach.Machine:
    return reach.Machine(cores, gigabytes * 1e9, speed.Speed(rounds, 1.0), has_gpu=False)


def test_a_scale_takes_its_jobs_over_the_cores_and_no_less_than_its_longest() -> None:
    assert reach.seconds(COST, here(cores=2), reference=10) == 500
    assert reach.seconds(COST, here(cores=2, rounds=5), reference=10) == 1000
    assert reach.seconds(COST, here(cores=64), reference=10) == 300
    assert reach.seconds(COST, here(cores=8, gigabytes=2.5), reference=10) == 500


def test_a_scale_that_does_not_fit_or_takes_days_says_what_to_do() -> None:
    costs = {
        "machine": {"rounds_per_s": 10.0},
        "scales": {"paper": COST | {"seconds": 1e7, "measured": False}},
    }
    (found,) = reach.scales(costs, here(cores=2))
    assert (found.level, "cluster" in found.todo) == ("note", True)
    assert f"between {duration(5e6 / 4)} and {duration(5e6 * 4)}" in found.says
    assert reach.scales(costs, here(cores=2, gigabytes=0.5))[0].level == "problem"


def test_the_speed_of_a_core_is_measured_in_seconds() -> None:
    begun = time.perf_counter()
    found = speed.measure(1, seconds=0.3)
    assert found.rounds_per_s > 1
    assert 0 < found.share <= 1
    assert time.perf_counter() - begun < 10


def test_findings_are_lines_with_their_remedy_below() -> None:
    said = text([Finding("ok", "disk", "plenty"), Finding("problem", "clock", "off", "set it")])
    assert said.splitlines() == [
        "ok       disk           plenty",
        "PROBLEM  clock          off",
        "                         -> set it",
        "",
        "1 problems, 0 notes",
    ]
