"""What a run took: from benchmark files that may be missing, stale or short."""

import json

import pytest

from helpers import made_run
from helpers.plans import ROOT
from slowpoints.plan import paper_text
from slowpoints.provenance import jobs
from slowpoints.provenance.records import BadResult, read_table, write_lines
from slowpoints.publish import paper, timings

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def root(tmp_path):
    made_run.run(tmp_path)
    for stack, seconds, rss, cpu in (
        ("gru", "36.0", "100.5", "18.0"),
        ("lstm", "72.0", "300.25", "54.0"),
        ("old", "9", "9", "9"),
    ):
        measured(tmp_path, f"{made_run.EXPERIMENT}/train/{stack}-00000000-0", seconds, rss, cpu)
    measured(tmp_path, "paper", "0.5", "-", "NA")
    (tmp_path / "envs").mkdir()
    for file in ("paper.in", "paper.lock", "train.in", "train.lock", "torch-cpu.lock"):
        (tmp_path / "envs" / file).write_bytes((ROOT / "envs" / file).read_bytes())
    return tmp_path


def measured(root, name, seconds, rss, cpu):
    file = root / "benchmarks" / "smoke" / f"{name}.tsv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{HEAD}{seconds}\t0:00:36\t{rss}\t0\t0\t0\t0\t0\t0\t{cpu}\n")


def test_jobs_are_added_up_and_those_of_other_plans_are_left_aside(root):
    (train,) = [row for row in timings.stages(root, "smoke") if row["stage"] == "train"]
    assert train == {
        "stage": "train",
        "experiment": made_run.EXPERIMENT,
        "jobs": 2,
        "measured": 2,
        "hours": 0.03,
        "longest_s": 72.0,
        "memory_mb": 300.25,
    }


def test_a_missing_benchmark_is_counted_and_nothing_else(root):
    (root / "benchmarks/smoke" / made_run.EXPERIMENT / "train" / "lstm-00000000-0.tsv").unlink()
    rows = {row["stage"]: row for row in timings.totals(timings.stages(root, "smoke"))}
    assert (rows["train"]["jobs"], rows["train"]["measured"]) == (2, 1)
    assert (rows["claims"]["jobs"], rows["claims"]["measured"], rows["claims"]["longest_s"]) == (
        1,
        0,
        0.0,
    )


def test_a_short_job_counts_with_its_time_and_without_memory(root):
    (row,) = [row for row in timings.stages(root, "smoke") if row["stage"] == "paper"]
    assert (row["measured"], row["memory_mb"], row["hours"], row["longest_s"]) == (
        1,
        0.0,
        0.0001,
        0.5,
    )


def test_a_job_whose_benchmark_was_cut_off_is_not_measured(root):
    (root / "benchmarks/smoke/paper.tsv").write_text(HEAD)
    (row,) = [row for row in timings.stages(root, "smoke") if row["stage"] == "paper"]
    assert (row["jobs"], row["measured"]) == (1, 0)


def test_outcomes_machines_and_commits_are_those_of_the_records(root):
    found = jobs.read_all(root, "smoke")
    assert timings.outcomes(found) == [
        {
            "experiment": made_run.EXPERIMENT,
            "runs": 4,
            "ok": 2,
            "budget": 1,
            "stopped": 0,
            "diverged": 1,
        }
    ]
    (machine,) = timings.hardware(found)
    assert (machine["machine"], machine["jobs"]) == ("Quick 3000, 2 cores", 2)
    assert timings.commits(found) == [{"commit": "e" * 40, "state": "nothing changed", "jobs": 2}]


def test_environments_name_what_was_asked_for_and_count_torch(root):
    found = {one["stage"]: one for one in timings.environments(root / "envs", torch="cpu")}
    assert set(found) == {"paper", "train"}
    assert "typst 0." in found["paper"]["versions"]
    assert "torch 2.13.0+cpu" in found["train"]["versions"]


def test_the_appendix_is_written_and_compiled(root):
    results = root / "results" / "smoke"
    timings.write(
        root, "smoke", torch="cpu", table=results / "timings.csv", text=results / "appendix.json"
    )
    assert list(read_table(results / "timings.csv").columns) == list(timings.COLUMNS)
    assert json.loads((results / "appendix.json").read_text("utf-8"))["scale"] == "smoke"
    (root / "paper").mkdir()
    text = root / "paper" / "appendix.typ"
    text.write_bytes((ROOT / "paper" / "appendix.typ").read_bytes())
    assert paper_text.inputs(text, folder="results/smoke") == ["results/smoke/appendix.json"]
    paper.compile_paper(
        text, scale="smoke", results="results/smoke", root=root, out=root / "appendix.pdf"
    )
    assert (root / "appendix.pdf").read_bytes().startswith(b"%PDF")


def test_records_without_provenance_are_named(root):
    (
        root / "results/smoke" / made_run.EXPERIMENT / "runs" / "gru-00000000-0.provenance.json"
    ).unlink()
    with pytest.raises(BadResult, match="missing; rebuild it"):
        jobs.read_all(root, "smoke")


def test_a_stack_of_an_older_plan_does_not_count(root):
    runs = root / "results/smoke" / made_run.EXPERIMENT / "runs"
    older = made_run.FACTS | {"id": f"{made_run.EXPERIMENT}/gru/1", "outcome": "ok"}
    write_lines(runs / "gru-ffffffff-0.jsonl", [older])
    made = json.dumps(made_run.MADE | {"started": "2025-01-02T03:04:05Z"})
    (runs / "gru-ffffffff-0.provenance.json").write_text(made)
    assert {job.stack for job in jobs.read_all(root, "smoke")} == set(made_run.ENDS)


def test_jobs_that_are_kept_are_read_again_as_they_were(root):
    found = jobs.read_all(root, "smoke")
    jobs.keep(found, root / "records.jsonl")
    assert jobs.kept(root / "records.jsonl") == found
