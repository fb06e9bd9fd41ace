"""What every job cost: kept from a run's benchmarks, and from these what jobs to come will cost.

No torch.

A cost is the wall time of a job of one thread. A job that was measured costs what it cost. One that
was not, at a scale that was not run, costs what its experiment did at the laptop scale for each
number its networks compute: an estimate to within a factor of several.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from slowpoints import paths
from slowpoints.machine.doctor import speed
from slowpoints.machine.doctor.machine import n_cores
from slowpoints.machine.doctor.reach import COSTS
from slowpoints.machine.doctor.words import duration, size
from slowpoints.paths import ROOT
from slowpoints.plan import dag
from slowpoints.provenance import benchmarks
from slowpoints.provenance.benchmarks import Measured
from slowpoints.spec.envelope import SCALES
from slowpoints.spec.stack import Stack
from slowpoints.spec.tuning import Study

# what a step of a network costs whatever its size, in parameters: of tuned RNNs, GRUs and LSTMs of
# 1,000, 4,000 and 8,000 parameters
WIDTH_OF_A_STEP = 2000
STAGES = ("data", "train", "analyse", "figures", "claims", "paper")
START_S = 2.0  # that every training job takes before its first step
UNITS, STEPS = 64, 20  # of a network and a task whose plan leaves them to be found


def job_names(scale: str) -> list[str]:
    """Return every job of one scale by the name of its benchmark.

    <experiment>/train/<stack>, figures/<name> ...
    """
    names = [
        f"data/{name}" for own in dag.experiments(scale) for name in dag.data_names(scale, own)
    ]
    names += [
        f"{own}/train/{stack}"
        for own in dag.experiments(scale)
        for stack in dag.all_stacks(scale, own)
    ]
    names += [
        f"{own.name}/analyse/{name}"
        for own in dag.experiments(scale).values()
        for name in own.analyses
    ]
    names += [f"figures/{name}" for name in dag.figure_names()]
    return [*dict.fromkeys(names), "data/authors_trials", "claims", "paper"]


def stage_of(job: str) -> str:
    """Return the stage of a job."""
    parts = job.split("/")
    return parts[1] if len(parts) == 3 else parts[0]


def keep(root: Path = ROOT) -> dict[str, Any]:
    """Return the costs of the laptop run at `root` and, where it is whole, of the smoke run.

    Others are estimated.
    """
    jobs = {scale: benchmarks.read(root, scale, job_names(scale)) for scale in SCALES}
    laptop = {job: own.seconds for job, own in jobs["laptop"].items()}
    rss = {
        scale: round(max((own.max_rss_mb for own in found.values()), default=0))
        for scale, found in jobs.items()
    }
    scales: dict[str, dict[str, Any]] = {}
    kept: dict[str, dict[str, float]] = {}
    for scale, found in jobs.items():
        is_measured = set(found) == set(job_names(scale))
        own = {
            job: found[job].seconds if is_measured else expected(scale, job, laptop)
            for job in job_names(scale)
        }
        source = scale if is_measured else "laptop"
        scales[scale] = {
            "measured": is_measured,
            "jobs": len(own),
            "seconds": round(sum(own.values())),
            "longest_s": round(max(own.values())),
            "max_rss_mb": rss[source],
            "results_mb": _megabytes(root / paths.results(source)),
        }
        kept |= (
            {scale: {job: round(cost, 1) for job, cost in sorted(own.items())}}
            if is_measured
            else {}
        )
    machine = {
        "cores": n_cores(),
        "rounds_per_s": round(speed.measure(n_cores(), seconds=5).rounds_per_s, 1),
    }
    return {
        "machine": machine,
        "scales": scales,
        "experiments": _by_experiment(jobs["laptop"]),
        "jobs": kept,
    }


def _megabytes(folder: Path) -> int:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


def _by_experiment(jobs: dict[str, Measured]) -> dict[str, dict[str, dict[str, float]]]:
    """Return {experiment or stage: {stage: jobs, seconds, memory}}."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for job, own in jobs.items():
        name = job.split("/")[0]
        row = found.setdefault(name, {}).setdefault(
            stage_of(job), {"jobs": 0, "seconds": 0, "max_rss_mb": 0}
        )
        row["jobs"] += 1
        row["seconds"] = round(row["seconds"] + own.seconds, 1)
        row["max_rss_mb"] = max(row["max_rss_mb"], round(own.max_rss_mb))
    return found


def work(stack: Stack) -> float:
    """Return about how many numbers the training of a stack computes.

    Enough to compare two of one experiment.
    """
    first = stack.runs[0]
    n = _whole_trainings(stack.study) if stack.study else len(stack.runs)
    width = WIDTH_OF_A_STEP + (first.net.budget or (first.net.units or UNITS) ** 2)
    steps = getattr(first.task.settings, "n_steps", None) or STEPS
    return float(n * first.train.steps * first.train.batch * steps * width)


def _whole_trainings(study: Study) -> float:
    """Return how many trainings from first to last step a study is worth: at each rung the worse
    trials end.
    """
    trained, n, before = 0.0, float(study.trials), 0.0
    for rung in study.rungs:
        trained, n, before = trained + n * (rung - before), n * study.keep, rung
    return trained + n * (1 - before) + study.reruns


def expected(scale: str, job: str, known: dict[str, float]) -> float:
    """Return the seconds that a job will take, estimated from the `known` ones of the
    laptop scale.
    """
    parts, stage = job.split("/"), stage_of(job)
    if scale == "laptop" and job in known:
        return known[job]
    if stage == "train":
        return START_S + work(dag.stack(scale, parts[0], parts[2])) * _rate(parts[0], known)
    if stage == "analyse" and job in known:
        return known[job] * max(1.0, _total(scale, parts[0]) / _total("laptop", parts[0]))
    alike = [cost for name, cost in known.items() if stage_of(name) == stage]
    return known.get(job, sum(alike) / len(alike))


def _rate(experiment: str, known: dict[str, float]) -> float:
    """Return seconds per number computed by an experiment's training, of all if it was not run at
    laptop scale.
    """
    own = {name: cost for name, cost in known.items() if name.startswith(f"{experiment}/train/")}
    if not own:
        present = dag.experiments("laptop")
        trained = {
            job: cost
            for job, cost in known.items()
            if stage_of(job) == "train" and job.split("/")[0] in present
        }
        works = sum(_total("laptop", name) for name in {job.split("/")[0] for job in trained})
        return sum(trained.values()) / works
    return sum(own.values()) / _total("laptop", experiment)


@cache
def _total(scale: str, experiment: str) -> float:
    return sum(work(stack) for stack in dag.all_stacks(scale, experiment).values())


INTRO = """\
Written by `make costs`: the wall time of the jobs of the runs in the project's folder, as Snakemake's benchmarks have
it (their column `s`; a job has one thread), on a machine with {cores} cores, no GPU. The times of a scale are the sum
over its jobs, so that two cores take half as long. Of a job that failed or was interrupted, a benchmark holds the last
attempt alone. One core of the machine did {rounds:,} rounds of the work in
`src/slowpoints/machine/doctor/speed.py` per second:
`slowpoints doctor` estimates from this how long another machine takes, `slowpoints progress` when a run will be done. A
scale that is *estimated* was not run: training counts in proportion to what its networks compute, and the sum may be
off by a factor of several; its memory and disk are those of the laptop scale."""


def page(found: dict[str, Any]) -> str:
    """Return the kept costs as a page."""
    scales = [
        "| scale | jobs | time of its jobs | longest job | most memory of a job | results on "
        "disk | |",
        "|---|" + "---|" * 6,
    ]
    for name, own in found["scales"].items():
        cells = [
            f"`{name}`",
            str(own["jobs"]),
            duration(own["seconds"]),
            duration(own["longest_s"]),
            size(own["max_rss_mb"] * 1e6),
            size(own["results_mb"] * 1e6),
            "from a run" if own["measured"] else "estimated",
        ]
        scales.append(f"| {' | '.join(cells)} |")
    stages = ["| | stage | jobs | time | most memory of a job |", "|---|" + "---|" * 4]
    for name, rows in sorted(found["experiments"].items()):
        for stage, row in rows.items():
            cells = [
                name,
                stage,
                str(row["jobs"]),
                duration(row["seconds"]),
                size(row["max_rss_mb"] * 1e6),
            ]
            stages.append(f"| {' | '.join(cells)} |")
    intro = INTRO.format(cores=found["machine"]["cores"], rounds=found["machine"]["rounds_per_s"])
    parts = [
        "# What the jobs cost",
        intro,
        *found.get("notes", []),
        "\n".join(scales),
        "## At laptop scale",
        "\n".join(stages),
    ]
    return "\n\n".join(parts) + "\n"


def kept() -> dict[str, dict[str, float]]:
    """Return {scale: {job: seconds}} of the kept costs."""
    found: dict[str, dict[str, float]] = json.loads((ROOT / COSTS).read_text(encoding="utf-8"))[
        "jobs"
    ]
    return found
