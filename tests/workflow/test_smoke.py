"""The whole workflow at smoke scale, from data to PDF, and what makes it run again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.copies import Snakemake
from helpers.plans import ROOT
from slowpoints.plan import dag
from slowpoints.provenance.records import read_lines, read_table

pytestmark = pytest.mark.dag


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        yield
    finally:
        path.write_text(text)


def planned(snakemake: Snakemake, *words: str) -> dict[str, int]:
    """Return {rule: jobs} of a dry run."""
    output = snakemake("-n", *words).stdout
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    return (
        {}
        if table is None
        else {k: int(v) for k, v in (line.split() for line in table[1].splitlines())}
    )


def test_everything_is_there_and_nothing_is_left_to_do(
    finished: Path, snakemake: Snakemake
) -> None:
    results = finished / "results" / "smoke"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    for name in dag.figure_names():
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 1000
        assert (results / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        page = (results / "notebooks" / f"{name}.html").read_text()
        assert "<html" in page[:500]
        assert "<img" in page
        assert "data:image/png;base64" in page, "the figure is to be seen on the page"
        assert json.loads((results / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    assert planned(snakemake) == {}
    env = os.environ | {"PYTHONPATH": str(finished / "src")}  # the copy has a cell of its own
    command = [sys.executable, "-m", "slowpoints", "intact", "--scale", "smoke"]
    said = subprocess.run(
        command, cwd=finished, env=env, capture_output=True, text=True, check=True
    ).stdout
    found = re.fullmatch(r"(\d+) of (\d+) results at scale smoke are intact\n", said)
    assert found, said
    assert found[1] == found[2]
    assert int(found[1]) > 400


def test_no_claim_is_judged_and_every_claim_is_listed(finished: Path) -> None:
    claims = read_table(finished / "results" / "smoke" / "claims.csv")
    assert set(claims["verdict"]) == {"not judged at this scale"}
    assert list(claims["id"]) == [
        c.id for own in dag.experiments("smoke").values() for c in own.claims
    ]


def test_a_cell_of_ones_own_is_in_the_tables_and_figures_of_the_papers_it_joins(
    finished: Path,
) -> None:
    results = finished / "results" / "smoke"
    for name in (
        "long2016-targeted",
        "long2016-adding-length",
        "collins2017-capacity",
        "haviv2019-curricula",
    ):
        assert "leaky" in set(read_table(results / name / "tables" / "outcomes.csv")["cell"])
    assert "LEAKY" in (results / "notebooks" / "long2016-memorization.html").read_text()


def test_a_task_and_an_experiment_of_ones_own_are_trained(finished: Path) -> None:
    table = read_table(finished / "results" / "smoke" / "own-maximum" / "tables" / "outcomes.csv")
    assert sorted(table["arm"]) == ["fast"] * 15 + ["slow"] * 15
    assert table["mse"].notna().all()


def test_records_name_code_environment_and_settings(finished: Path) -> None:
    (path, *_) = sorted((finished / "results/smoke/long2016-state/runs").glob("gru-*.jsonl"))
    record = read_lines(path)[0]
    assert record["digests"]["env"] == dag.environment("train", "cpu")
    assert record["train"]["steps"] == 100


LAST = {"compile_paper", "build_site"}
EDITS = [
    (
        "a comment",
        "src/slowpoints/training/trainer.py",
        "SAVE_EVERY_S = 20.0",
        "SAVE_EVERY_S = 20.0  # seconds",
        set(),
    ),
    (
        "a docstring",
        "src/slowpoints/engine/recurrence.py",
        '"""The recurrence',
        '"""A recurrence',
        {"build_site"},
    ),
    (
        "the command line",
        "src/slowpoints/command_line/for_rules.py",
        "Train the",
        "Train all",
        {"build_site"},
    ),
    (
        "the style",
        "src/slowpoints/figures/style.py",
        "\nimport",
        "\nADDED = 1\nimport",
        {"draw_figure", *LAST},
    ),
    ("the paper", "paper/paper.typ", "= ", "=  ", LAST),
    (
        "a notebook",
        "notebooks/long2016-adding.ipynb",
        "figures.save(",
        "1; figures.save(",
        {"draw_figure", *LAST},
    ),
    (
        "a threshold",
        "config/experiments/long2016-state.yaml",
        "below: 0}",
        "below: -0.1}",
        {"judge_claims", *LAST},
    ),
    ("the words of a page", "docs/benchmarks/speed.md", "# Speed", "# How fast", {"build_site"}),
]


@pytest.mark.parametrize(("what", "file", "old", "new", "rules"), EDITS, ids=[e[0] for e in EDITS])
def test_an_edit_reruns_what_it_can_change(
    what: str, file: str, old: str, new: str, rules: set[str], finished: Path, snakemake: Snakemake
) -> None:
    with edited(finished / file, old, new):
        assert set(planned(snakemake)) - {"all"} == rules


def test_an_edit_to_a_cell_trains_that_cell_again_and_no_other(
    finished: Path, snakemake: Snakemake
) -> None:
    with edited(
        finished / "src/slowpoints/cells/lstm.py", "return o * torch.tanh(c), c", "return o * c, c"
    ):
        output = snakemake("-n").stdout
    trained = set(re.findall(r"log: logs/smoke/(\S+)/train/(\w+)-[0-9a-f]{8}-\d+\.txt", output))
    fine_tuned = {name for name, own in dag.experiments("smoke").items() if own.runs[0].train.start}
    assert {cell for experiment, cell in trained if experiment not in fine_tuned} == {"lstm"}
    assert ("long2016-state", "lstm") in trained
    # the control starts at slow points, and their table is of both cells: all of it is trained
    # again
    assert {cell for experiment, cell in trained if experiment == "haviv2019-control"} == {
        "gru",
        "lstm",
    }


def test_one_stage_or_one_figure_can_be_asked_for(finished: Path, snakemake: Snakemake) -> None:
    for target in ("data", "train", "analyse", "figures", "claims", "paper", "site"):
        assert "Nothing to be done" in snakemake(target).stdout
    figure = "results/smoke/figures/long2016-adding.pdf"
    (finished / figure).unlink()
    assert planned(snakemake, figure) == {"draw_figure": 1}
    snakemake(figure)
    assert (finished / figure).is_file()


def test_the_same_run_twice_gives_the_same_bytes(finished: Path, snakemake: Snakemake) -> None:
    (stack, *_) = sorted((finished / "results/smoke/long2016-state/runs").glob("pru-*.jsonl"))
    kept = [
        stack,
        stack.with_suffix(".safetensors"),
        finished / "results/smoke/figures/long2016-adding.pdf",
        finished / "results/smoke/notebooks/long2016-adding.html",
    ]
    before = [path.read_bytes() for path in kept]
    for path in kept:
        path.unlink()
    snakemake(*(str(path.relative_to(finished)) for path in kept))
    assert [path.read_bytes() for path in kept] == before


def test_a_training_job_killed_at_any_moment_ends_with_the_same_bytes(
    finished: Path, tmp_path: Path
) -> None:
    (plan, *_) = sorted((finished / "results/smoke/long2016-targeted/plan").glob("gru-*.json"))
    wanted = (finished / "results/smoke/long2016-targeted/runs" / f"{plan.stem}.jsonl").read_bytes()
    out = {
        key: tmp_path / f"{plan.stem}.{key}"
        for key in ("json", "jsonl", "safetensors", "provenance", "checkpoint")
    }
    command = [
        sys.executable,
        "-c",
        "from slowpoints import cli; from slowpoints.training import trainer; "
        "trainer.SAVE_EVERY_S = 0; "
        "raise SystemExit(cli.main())",
        "train",
        "--scale",
        "smoke",
        "--experiment",
        "long2016-targeted",
        "--stack",
        plan.stem,
        "--plan",
        str(out["json"]),
        "--records",
        str(out["jsonl"]),
        "--weights",
        str(out["safetensors"]),
        "--provenance",
        str(out["provenance"]),
        "--checkpoint",
        str(out["checkpoint"]),
        "--device",
        "cpu",
    ]
    env = os.environ | {"PYTHONPATH": str(finished / "src"), "OMP_NUM_THREADS": "1"}
    kills = 0
    while not out["jsonl"].exists():
        job = subprocess.Popen(command, env=env, cwd=finished, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        known = out["checkpoint"].stat().st_mtime_ns if out["checkpoint"].exists() else 0
        while job.poll() is None and time.monotonic() < deadline and kills < 3:
            if out["checkpoint"].exists() and out["checkpoint"].stat().st_mtime_ns > known:
                job.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        job.wait()
    assert kills >= 1
    assert out["jsonl"].read_bytes() == wanted


def test_a_damaged_table_stops_the_figure_and_says_how_to_rebuild(
    finished: Path, snakemake: Snakemake
) -> None:
    table = finished / "results/smoke/long2016-adding-state/tables/outcomes.csv"
    kept = table.read_bytes()
    table.write_bytes(kept[:-100])
    (finished / "results/smoke/figures/long2016-adding.pdf").unlink()
    done = snakemake("results/smoke/figures/long2016-adding.pdf", check=False)
    table.write_bytes(kept)
    assert done.returncode != 0
    assert "outcomes.csv: damaged" in done.stdout
    assert "rebuild it with: snakemake" in done.stdout
    executed = json.loads((finished / "results/smoke/notebooks/long2016-adding.ipynb").read_text())
    assert "damaged" in json.dumps(executed), "the executed notebook shows the traceback"
    snakemake("results/smoke/figures/long2016-adding.pdf")


MISTAKES = [
    (
        "config/experiments/long2016-state.yaml",
        "net.cell: gru",
        "net.cell: grru",
        "unknown cell 'grru'; did you",
    ),
    (
        "config/experiments/long2016-state.yaml",
        "seeds: 10",
        "sedes: 10",
        "unknown key 'sedes'; did you mean 'seeds'",
    ),
    (
        "config/experiments/haviv2019-curricula.yaml",
        "mnist14",
        "mnist15",
        "unknown value 'mnist15'",
    ),
    (
        "config/experiments/haviv2019-control.yaml",
        "start_arm: gru-decu",
        "start_arm: gru-dicu",
        "no run 'gru-dicu'",
    ),
    ("config/config.yaml", "device: cpu #", "device: gpu #", "'gpu' is not one of"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_a_mistake_ends_before_any_job_with_its_remedy(
    file: str, old: str, new: str, message: str, project: Path, snakemake: Snakemake
) -> None:
    with edited(project / file, old, new):
        done = snakemake("-n", check=False)
    assert done.returncode != 0
    assert message in done.stdout
    assert "rule train_stack" not in done.stdout


def test_a_scale_that_does_not_exist_is_refused(project: Path, snakemake: Snakemake) -> None:
    done = snakemake("-n", scale="labtop", check=False)
    assert done.returncode != 0
    assert "'labtop' is not one of" in done.stdout


def test_data_that_is_nowhere_stops_the_paper_scale_before_training(
    project: Path, snakemake: Snakemake
) -> None:
    env_free = snakemake("results/paper/data/mnist.json", scale="paper", check=False)
    assert env_free.returncode != 0
    assert "train-images-idx3-ubyte.gz" in env_free.stdout
    assert "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609" in env_free.stdout
    assert "data_dir" in env_free.stdout


def test_the_report_and_the_rulegraph_can_be_made(finished: Path, snakemake: Snakemake) -> None:
    snakemake("--report", "report.html")
    assert (finished / "report.html").stat().st_size > 100_000
    assert "train_stack" in snakemake("--rulegraph", "dot").stdout


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_every_scale_can_be_planned(scale: str, project: Path, snakemake: Snakemake) -> None:
    assert "train_stack" in snakemake("-n", scale=scale).stdout


def test_the_project_is_the_one_under_test() -> None:
    assert Path(dag.__file__).is_relative_to(ROOT)


def test_a_mistake_in_an_experiment_stops_everything_before_it_starts_and_no_job_of_another(
    project: Path, snakemake: Snakemake
) -> None:
    name = next(iter(dag.all_stacks("smoke", "long2016-targeted")))
    # as a cluster starts it
    job = f"train_stack:scale=smoke,experiment=long2016-targeted,stack={name}"
    with edited(project / "config/experiments/long2016-state.yaml", "question:", "qestion:"):
        assert "qestion" in snakemake("-n", check=False).stdout
        snakemake("-n", "--mode", "remote", "--allowed-rules", "train_stack", "--target-jobs", job)
