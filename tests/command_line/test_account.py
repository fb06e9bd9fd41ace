"""What a stage says in its log: what it does, on what, with what result, how long, and where."""

import os
import subprocess
import sys
from pathlib import Path

from helpers.plans import ROOT
from slowpoints.plan import dag

SCALE, EXPERIMENT = "smoke", "long2016-state"


def logged(folder: Path, *words: str, status: int = 0) -> str:
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "slowpoints", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def test_a_training_job_and_an_analysis_say_what_they_did(tmp_path: Path) -> None:
    name, stack = next(iter(dag.all_stacks(SCALE, EXPERIMENT).items()))
    files = {
        key: tmp_path / f"{name}.{key}"
        for key in ("plan", "records", "weights", "provenance", "checkpoint")
    }
    options = [word for key, path in files.items() for word in (f"--{key}", str(path))]
    said = logged(
        tmp_path, "train", "--scale", SCALE, "--experiment", EXPERIMENT, "--stack", name, *options
    )
    assert f"train: scale smoke, experiment {EXPERIMENT}, stack {name}, device cpu" in said
    assert (
        f"done in {said.partition('done in ')[2].split()[0]} s: {len(stack.runs)} networks ("
        in said
    )
    assert "solved their task; 100 steps; median " in said
    assert f"written: {files['records']} ({files['records'].stat().st_size:,} bytes)" in said
    assert str(files["checkpoint"]) not in said.partition("done in")[2]
    late = logged(
        tmp_path,
        "train",
        "--scale",
        SCALE,
        "--experiment",
        EXPERIMENT,
        "--stack",
        name,
        *options,
        "--planned",
        "0" * 64,
        "0" * 16,
        status=1,
    )
    assert (
        f"the settings of stack {name} have changed since this run was planned"
        in late.splitlines()[-1]
    )
    files["weights"].rename(files["records"].with_suffix(".safetensors"))
    said = logged(
        tmp_path,
        "analyse",
        "nothing",
        "--scale",
        SCALE,
        "--experiment",
        EXPERIMENT,
        "--settings",
        "{}",
        "--runs",
        str(tmp_path),
        "--table",
        "t.csv",
        "--arrays",
        "t.safetensors",
        status=1,
    )
    assert (
        f"analyse: nothing, scale smoke, experiment long2016-state, settings {{}}, runs {tmp_path}"
        in said
    )
    assert "analyse failed after " in said


def test_data_say_what_was_verified(tmp_path: Path) -> None:
    said = logged(tmp_path, "data", "--name", "mnist14", "--out", str(tmp_path / "m.json"))
    assert "data: mnist14" in said
    assert "4 files verified; 2,000 test, 10,000 train" in said
    assert f"written: {tmp_path / 'm.json'}" in said


def test_a_figure_that_fails_names_the_notebook_to_look_at(tmp_path: Path) -> None:
    said = logged(ROOT, "figure", "notebooks/overview.ipynb", "--scale", "none", "--executed",
                  str(tmp_path / "e.ipynb"), "--html", str(tmp_path / "h.html"),
                  "--sums", str(tmp_path / "h.sha256"), status=1)  # fmt: skip
    assert f"with the error: {tmp_path / 'e.ipynb'}" in said
