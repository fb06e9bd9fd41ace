"""Progress: what Snakemake's log, checkpoints and records say of a run, and when it will
be done.
"""

import json
import math
import platform
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.plans import ROOT
from slowpoints.machine import costs, progress
from slowpoints.machine.progress import log, remaining, report, state
from slowpoints.plan import dag
from slowpoints.provenance.records import write_lines
from slowpoints.training import checkpoint

SCALE, EXPERIMENT = "smoke", "long2016-state"
STACKS = list(dag.all_stacks(SCALE, EXPERIMENT))


def entry(jobid: int, stack: str, minute: int) -> str:
    return f"""\
[Sun Nov 22 10:{minute:02}:00 2026]
localrule train_stack:
    output: results/{SCALE}/{EXPERIMENT}/runs/{stack}.jsonl
    log: logs/{SCALE}/{EXPERIMENT}/train/{stack}.txt
    jobid: {jobid}
    benchmark: benchmarks/{SCALE}/{EXPERIMENT}/train/{stack}.tsv
    reason: Missing output files: results/{SCALE}/{EXPERIMENT}/runs/{stack}.jsonl
    resources: tmpdir=/tmp, gpu=0, mem_mb=3000
"""


def failure(jobid: int, stack: str, minute: int) -> str:
    return f"""\
[Sun Nov 22 10:{minute:02}:00 2026]
Error in rule train_stack:
    message: None
    jobid: {jobid}
    log: logs/{SCALE}/{EXPERIMENT}/train/{stack}.txt (check log file(s) for error details)
"""


HEAD = """\
  Host: another-machine
Provided cores: 4 (use --cores to define parallelism)
Job stats:
job                   count
------------------  -------
train_stack               4
all                       1
total                     5

Select jobs to execute...
"""
ENDED = (
    "[Sun Nov 22 10:{:02}:00 2026]\nFinished jobid: {} (Rule: train_stack)\n1 of 5 steps "
    "(20%) done\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the log of a run of four jobs.

    One ended, one failed and goes on again, one runs.
    """
    logs = tmp_path / ".snakemake" / "log"
    logs.mkdir(parents=True)
    text = (
        HEAD
        + entry(1, STACKS[0], 0)
        + entry(2, STACKS[1], 0)
        + ENDED.format(5, 1)
        + failure(2, STACKS[1], 6)
    )
    text += "Trying to restart job 2.\n" + entry(2, STACKS[1], 7) + entry(3, STACKS[2], 8)
    (logs / "2026-11-22T100000.000000.snakemake.log").write_text(text)
    (logs / "2026-11-22T110000.000000.snakemake.log").write_text("Congratulations\n")  # of a lint
    runs = tmp_path / f"results/{SCALE}/{EXPERIMENT}/runs"
    write_lines(runs / f"{STACKS[0]}.jsonl", [{"outcome": "ok"}, {"outcome": "diverged"}])
    return tmp_path


def test_the_log_of_a_run_is_read_while_it_is_written(folder: Path) -> None:
    found = log.latest(folder)
    assert found is not None
    assert found[1] == SCALE
    assert log.latest(folder, "paper") is None
    run = log.read(found[0])
    assert (run.width, run.planned, run.is_complete) == (4, {"train_stack": 4}, False)
    first, second, third = run.jobs.values()
    assert first.name == f"{EXPERIMENT}/train/{STACKS[0]}"
    assert first.ended is not None
    assert first.ended - first.begun == 300
    assert (second.failures, second.is_failed, second.ended) == (1, False, None)
    assert [job.name for job in run.running()] == [second.name, third.name]
    assert second.log == f"logs/{SCALE}/{EXPERIMENT}/train/{STACKS[1]}.txt"


def test_every_prefix_of_a_log_can_be_read(folder: Path, tmp_path: Path) -> None:
    found = log.latest(folder)
    assert found is not None
    text = found[0].read_text()
    for end in range(0, len(text), 7):
        (tmp_path / "cut").write_text(text[:end])
        assert len(log.read(tmp_path / "cut").jobs) <= 3


def keep_checkpoint(folder: Path, name: str, content: dict) -> None:
    path = folder / f"results/{SCALE}/{EXPERIMENT}/checkpoints/{name}.safetensors"
    checkpoint.save(
        path, checkpoint.Checkpoint({"weights": np.ones((3, 4), np.float32)}, content), key="any"
    )


def test_a_running_job_says_its_step_and_what_went_wrong(folder: Path) -> None:
    keep_checkpoint(folder, STACKS[1], {"tick": 60, "outcomes": [
        {"outcome": "", "steps": 60}, {"outcome": "diverged", "steps": 20}]})  # fmt: skip
    steps = dag.stack(SCALE, EXPERIMENT, STACKS[1]).runs[0].train.steps
    step = state.training(folder, SCALE, dag.stack(SCALE, EXPERIMENT, STACKS[1]))
    assert step == state.Step(60, steps, 1, 2, 1)
    assert step.share == pytest.approx((1 + 60 / steps) / 2)
    (folder / ".snakemake/locks").mkdir()
    (folder / ".snakemake/locks/0.input.lock").touch()
    said = progress.show(folder, scale=SCALE)
    assert "scale smoke: running since" in said
    assert (
        f"{EXPERIMENT}/train/{STACKS[1]}  step 60 of {steps}, 1 of 2 networks ended, waits in "
        "the queue" in said
    )
    assert (
        f"failed once, and was started again; see logs/{SCALE}/{EXPERIMENT}/train/{STACKS[1]}.txt"
        in said
    )
    assert "networks that diverged: 2" in said
    assert f"  {EXPERIMENT:<24}    1 of " in said


def test_a_study_counts_the_trials_told_and_those_in_training(folder: Path) -> None:
    name, stack = next((own, found) for own in dag.experiments("laptop") for found in
                       dag.all_stacks("laptop", own).values() if found.study)  # fmt: skip
    place = folder / f"results/laptop/{name}/checkpoints"
    told = {"records": [{"outcome": "ok", "steps": 9}] * 12}
    now = {"outcomes": [{"outcome": "", "steps": 40}]}
    for file, content in ((stack.name, told), (f"{stack.name}-stack", now)):
        path = place / f"{file}.safetensors"
        checkpoint.save(
            path, checkpoint.Checkpoint({"weights": np.ones(2, np.float32)}, content), key="any"
        )
    found = state.training(folder, "laptop", stack)
    assert found is not None
    assert (found.step, found.ended, found.networks) == (
        40,
        12,
        stack.study.trials + stack.study.reruns,
    )


def test_a_checkpoint_that_is_cut_off_is_no_step(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert state.checkpoint_state(path) is None
    checkpoint.save(
        path, checkpoint.Checkpoint({"w": np.ones(9, np.float32)}, {"tick": 3}), key="any"
    )
    assert state.checkpoint_state(path) == {"tick": 3}
    whole = path.read_bytes()
    for end in range(0, len(whole) - 40, 11):
        path.write_bytes(whole[:end])
        assert state.checkpoint_state(path) is None


def test_a_run_that_was_killed_is_told_from_one_that_ended(folder: Path) -> None:
    found = log.latest(folder)
    assert found is not None
    assert "was cut off" in progress.show(folder, scale=SCALE)
    text = found[0].read_text()
    found[0].write_text(text + ENDED.format(9, 2) + ENDED.format(9, 3) + "Complete log(s): x\n")
    assert report.look(folder, scale=SCALE).status == "ended"
    found[0].write_text(text + failure(2, STACKS[1], 9) + "Complete log(s): x\n")
    assert report.look(folder, scale=SCALE).status == "failed"
    found[0].write_text(text.replace("another-machine", platform.node()))
    (folder / ".snakemake/locks").mkdir()
    (folder / ".snakemake/locks/0.input.lock").touch()
    assert report.look(folder, scale=SCALE).status == "cut off", (
        "its machine is this one, and it has no process here"
    )
    found[0].write_text(text)
    assert report.look(folder, scale=SCALE).status == "running"
    found[0].write_text(text + failure(2, STACKS[1], 9) + "Complete log(s): x\n")
    assert "failed 2 times; see" in progress.show(folder, scale=SCALE)
    assert "no run was started" in progress.show(folder, scale="paper")


PRICES = remaining.Prices(SCALE, {SCALE: {"a": 10.0, "b": 30.0, "c": 20.0}, "laptop": {}})


def test_the_end_is_reckoned_from_what_finished_jobs_took() -> None:
    own = remaining.pace({"a": 20.0, "b": 60.0}, PRICES)
    assert (own.ratio, own.n) == (2.0, 2)
    found = remaining.left({"c": 20.0, "d": 20.0}, own, width=2)
    assert found.seconds == 40
    assert remaining.left({"c": 20.0}, own, width=2).seconds == 40, "the longest job bounds it"
    assert found.low == pytest.approx(40 / found.high * 40)
    assert found.high > 40
    assert remaining.left({}, own, width=2).seconds == 0


def test_the_range_is_that_of_the_jobs_and_narrows_with_their_number() -> None:
    jobs = {str(i): 10.0 for i in range(40)}
    prices = remaining.Prices(SCALE, {SCALE: jobs, "laptop": {}})
    own = remaining.pace({job: 10.0 * (2 if int(job) % 2 else 0.5) for job in jobs}, prices)
    assert own.spread == pytest.approx(math.log(2), rel=0.2)
    many, one = (remaining.left(dict(list(jobs.items())[:n]), own, width=1) for n in (40, 1))
    assert many.high / many.seconds < one.high / one.seconds
    equal = remaining.pace(dict(jobs), prices)
    assert remaining.left(jobs, equal, width=1).high == pytest.approx(400)


def test_a_run_of_some_targets_is_reckoned_by_what_it_was_asked_for() -> None:
    rest = {f"{EXPERIMENT}/train/{name}": 10.0 for name in STACKS[:4]} | {"figures/overview": 5.0}
    run = log.Run(Path("any"), planned={"train_stack": 2})
    assert sum(report._asked(run, rest).values()) == 20


def test_every_job_of_every_scale_has_a_price_and_an_output() -> None:
    kept = costs.kept()
    for scale in ("smoke", "laptop", "paper"):
        jobs = costs.job_names(scale)
        assert len(jobs) == len(set(jobs)) > 100
        prices = remaining.Prices(scale, kept)
        assert all(0 < prices.of(job) < 1e9 for job in jobs)
        planned = [dag.runs(scale, own) + dag.tables(scale, own) for own in dag.experiments(scale)]
        assert {state.output(scale, job) for job in jobs} >= {
            path for own in planned for path in own
        }


def test_the_page_of_the_kept_costs_is_that_of_their_numbers() -> None:
    found = json.loads((ROOT / "docs/benchmarks/costs.json").read_text())
    assert (ROOT / "docs/benchmarks/costs.md").read_text() == costs.page(found)
    assert set(found["jobs"]["laptop"]) & set(costs.job_names("laptop")), (
        "jobs of a plan long gone: make costs"
    )


def test_it_needs_neither_torch_nor_numpy() -> None:
    command = [
        ROOT / "workflow/scripts/stage",
        "driver",
        "-m",
        "slowpoints",
        "progress",
        "--scale",
        "smoke",
    ]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("scale smoke: ")
    assert time.perf_counter() - begun < 30


def test_a_job_that_was_never_measured_is_reckoned_from_its_like() -> None:
    kept = costs.kept()["laptop"]
    name = next(
        job for job in costs.job_names("laptop") if costs.stage_of(job) == "train" and job in kept
    )
    assert costs.expected("laptop", name, kept) == kept[name]
    without = {job: cost for job, cost in kept.items() if not job.startswith(name.split("/")[0])}
    assert 0 < costs.expected("laptop", name, without) < 3600
    assert 0 < costs.expected("laptop", "figures/new-one", kept) < 60
    assert costs.expected("paper", "claims", kept) == kept["claims"]
