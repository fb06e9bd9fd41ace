#!/usr/bin/env python3
"""How long planning takes at 10^4 and 10^5 runs.

Ours, all of Snakemake's, and that of one job of a cluster.

Writes planning.md and planning.json in docs/benchmarks. The experiment is made up, in a copy of the
project; nothing is trained. All times are CPU seconds of one process, which other work on the
machine changes little.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from comparison import ROOT, copy_project

from slowpoints.machine.started import heed_signals

SCALES = ("smoke", "laptop", "night", "paper")
ARMS, UNITS = ("pru", "gru", "lstm", "rnn"), 10
SHAPES = [  # runs, runs per stack, learning rates
    (runs, width, rates)
    for runs in (10_000, 100_000)
    for width, rates in ((16, 1), (64, 1), (256, 1), (256, 50))
]
EXPERIMENT = """\
paper: long2016
question: How long does it take to plan many runs?
task: {{name: memorization, n_targeted: 4, n_interfering: 10}}
net: {{cell: pru, units: 8}}
train: {{steps: 100, batch: 32, lr: 5.0e-3}}
arms: {{{arms}}}
sweep: {{net.units: {units}, train.lr: {rates}}}
seeds: {seeds}
seeds_per_stack: {seeds_per_stack}
analyses: [outcomes]
scales: {{smoke: {{}}}}
"""
OURS = """\
import json, resource, sys
sys.path.insert(0, "src")
begun = resource.getrusage(resource.RUSAGE_SELF).ru_utime
from slowpoints.plan import dag
every = dag.experiments(sys.argv[1])
stacks = {name: dag.all_stacks(sys.argv[1], name) for name in every}
for name, own in stacks.items():
    for stack in own:
        dag.train_params(sys.argv[1], name, stack)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_s": used.ru_utime - begun, "mb": used.ru_maxrss / 1024, "stacks": sum(map(len, stacks.values())),
                  "runs": sum(len(own.runs) for own in every.values()), "stack": [name, next(iter(own))]}))
"""
ONE = """\
import resource, sys
sys.path.insert(0, "src")
begun = resource.getrusage(resource.RUSAGE_SELF).ru_utime
from slowpoints.plan import dag
dag.stack(*sys.argv[1:]).plan()
print(resource.getrusage(resource.RUSAGE_SELF).ru_utime - begun)
"""


def cpu(project: Path, *words: str) -> tuple[float, str]:
    """Return (CPU seconds, output) of Python on `words` in a project."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=project, env=surroundings, check=True, text=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measure(project: Path, scale: str, target: str) -> dict[str, Any]:
    """Return what planning one project at one scale takes."""
    ours: dict[str, Any] = json.loads(cpu(project, "-c", OURS, scale)[1])
    experiment, stack = ours.pop("stack")
    whole = ["-m", "snakemake", "-n", "--quiet", "all", "--config", f"scale={scale}"]
    job = ["--mode", "remote", "--cores", "1", "--allowed-rules", "train_stack", "--target-jobs"]
    job += [f"train_stack:scale={scale},experiment={experiment},stack={stack}"]
    return ours | {
        "snakemake_s": cpu(project, *whole, "--", target)[0],
        "job_snakemake_s": cpu(project, *whole, *job)[0],
        "job_own_s": float(cpu(project, "-c", ONE, scale, experiment, stack)[1]),
    }


def many(project: Path, runs: int, width: int, rates: int) -> None:
    """Make an experiment of so many runs the only one of a project."""
    shutil.rmtree(project / "config/experiments")
    (project / "config/experiments").mkdir()
    text = EXPERIMENT.format(
        arms=", ".join(f"{cell}: {{net.cell: {cell}}}" for cell in ARMS),
        units=list(range(1, UNITS + 1)),
        rates=[round(1e-3 * (1 + i), 6) for i in range(rates)],
        seeds=runs // (len(ARMS) * UNITS * rates),
        seeds_per_stack=max(1, width // rates),  # learning rates may differ within a stack
    )
    (project / "config/experiments/many.yaml").write_text(text, encoding="utf-8")


PAGE = """\
# Planning

Written by `make bench-planning` with Python {python} and Snakemake {snakemake}. CPU seconds of one process.

*Ours*: reading and checking every experiment, its stacks, and each job's digests. *`snakemake -n`*: all of it, ours
included, until the plan stands. *A job's*: on a cluster each job starts Snakemake anew to find itself, and then plans
its own experiment in the program that trains; on one machine the second alone.

| | runs | stacks | ours | µs per run | MB | `snakemake -n` | ms per job | a job's Snakemake | a job's own |
|---|---|---|---|---|---|---|---|---|---|
{rows}

The first three rows are the experiments of this project, everything from data to paper; the others one made-up
experiment of 4 cells × {units} sizes, with many seeds or, in the last of each size, 50 learning rates beside them,
which share a stack.
"""


def page(found: dict[str, Any]) -> str:
    rows = "\n".join(
        "| {name} | {runs:,} | {stacks:,} | {cpu_s:.2f} | {us:.0f} | {mb:.0f} | "
        "{snakemake_s:.1f} | {ms:.1f}"
        " | {job_snakemake_s:.1f} | {job_own_s:.2f} |".format(
            **row, us=1e6 * row["cpu_s"] / row["runs"], ms=1e3 * row["snakemake_s"] / row["stacks"]
        )
        for row in found["rows"]
    )
    return PAGE.format(**found | {"rows": rows, "units": UNITS})


def main() -> None:
    heed_signals()
    rows = []
    with tempfile.TemporaryDirectory(prefix="slowpoints-planning-") as name:
        project = Path(name)
        copy_project(project)
        rows = [{"name": scale} | measure(project, scale, "all") for scale in SCALES]
        for runs, width, rates in SHAPES:
            many(project, runs, width, rates)
            beside = f", {rates} rates" if rates > 1 else ""
            rows.append(
                {"name": f"{width} per stack{beside}"} | measure(project, "smoke", "analyse")
            )
    found = {"python": sys.version.split()[0], "snakemake": version("snakemake"), "rows": rows}
    (ROOT / "docs/benchmarks/planning.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )
    (ROOT / "docs/benchmarks/planning.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
