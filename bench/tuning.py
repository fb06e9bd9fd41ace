"""What a tuned point costs: a study of this project against one process per trial, with the same
tuner.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench import peer_trial
from bench.measure import processor
from bench.report import table
from slowpoints.engine import count_parameters
from slowpoints.provenance.records import read_records
from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack
from slowpoints.spec.tuning import Distribution, Study
from slowpoints.tasks.perceptron import Settings as Perceptron
from slowpoints.tasks.perceptron import n_labels
from slowpoints.training import job
from slowpoints.training.stack import network
from slowpoints.tuning import study
from slowpoints.tuning.sampler import Trial, dimensions, settings, suggest

CELLS = ("rnn", "lstm")
STEPS = 2000
BUDGET = 1000
TRIALS = 16
TOGETHER = 8
PLAIN = Study(
    metric="bits_per_parameter",
    goal="highest",
    trials=TRIALS,
    sampler="gp",
    first=TOGETHER,
    together=TOGETHER,
    rungs=(),
    keep=0.375,
    reruns=0,
    space={
        "net.input_scale": Distribution("log", (0.5, 2.0)),
        "task.labels_per_parameter": Distribution("uniform", (2.0, 4.0)),
        "train.lr": Distribution("log", (5e-3, 5e-2)),
    },
)
HALVING = replace(PLAIN, rungs=(0.125, 0.5))


def run() -> dict[str, Any]:
    """Return all measurements as plain values; contenders take turns, cell by cell."""
    torch.set_num_threads(1)
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "steps": STEPS,
        "trials": TRIALS,
        "cells": {cell: _measured(cell) for cell in CELLS},
    }


def _measured(cell: str) -> dict[str, Any]:
    base = _base(cell)
    _study(_base(cell, steps=160), PLAIN)  # what is compiled at first use is not of interest here
    return {
        "parameters": _n_parameters(base),
        "one process per trial": _peer(base),
        "stacked": _study(base, PLAIN),
        "stacked, halving": _study(base, HALVING),
    }


def _base(cell: str, steps: int = STEPS) -> Run:
    train = {
        "steps": steps,
        "batch": 512,
        "lr": 0.01,
        "schedule": "exponential",
        "lr_final": 0.01,
        "clip": 10.0,
    }
    blocks = resolve(
        {"name": "perceptron", "n_in": 20, "n_steps": 5},
        {"cell": cell, "budget": BUDGET, "initial_state": "learned"},
        train | {"eval_every": steps // 16 or 1},
        where="benchmark",
    )
    return Run("benchmark", cell, {}, 0, *blocks)


def _n_parameters(base: Run) -> int:
    return int(count_parameters(network(base.task, base.net)))


def _study(base: Run, how: Study) -> dict[str, float]:
    """Return seconds of CPU and the best bits per parameter of one study of ours, in this
    process.
    """
    start = time.process_time()
    with TemporaryDirectory() as folder:
        out = job.Outputs(
            *(
                Path(folder, name)
                for name in ("plan", "runs.jsonl", "runs.safetensors", "provenance")
            )
        )
        study.run(
            Stack("study", base.experiment, [base], how),
            out=out,
            checkpoint=Path(folder, "study.safetensors"),
            device=torch.device("cpu"),
            data_dir=None,
            torch_build="cpu",
        )
        records = read_records(out.records)
    best = study.best_of(records, how).told.valid["bits_per_parameter"] or 0.0
    return {"cpu_s": time.process_time() - start, "best": best}


def _peer(base: Run) -> dict[str, float]:
    """Return the same for one process per trial: seconds in all, and those of training alone."""
    net = network(base.task, base.net)
    dims = dimensions(PLAIN.space, net.cell)
    known: list[Trial] = []
    before, training = _cpu(), 0.0
    while len(known) < TRIALS:
        for point in suggest(
            dims, known, TOGETHER, name=base.id, goal="highest", sampler="gp", first=TOGETHER
        ):
            values = settings(dims, point)
            own = Perceptron(n_in=20, labels_per_parameter=values["task.labels_per_parameter"])
            labels = n_labels(own, n_parameters=_n_parameters(base))
            found = _process(
                base, units=net.units, lr=values["train.lr"], n_labels=labels, seed=len(known)
            )
            training += found["cpu_s"]
            known.append(Trial(point, found["accuracy"] * labels))
    return {"cpu_s": _cpu() - before, "training_cpu_s": training}


def _process(base: Run, **own: Any) -> dict[str, float]:
    train = {name: getattr(base.train, name) for name in ("steps", "batch", "lr_final", "clip")}
    trial = train | {"cell": base.arm, "n_in": 20, "n_steps": 5} | own
    # the file alone: it needs torch, nothing of ours
    command = [sys.executable, peer_trial.__file__, json.dumps(trial)]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return found


def _cpu() -> float:
    """Return the CPU time of this process and of those it waited for."""
    return sum(
        getattr(resource.getrusage(who), name)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        for name in ("ru_utime", "ru_stime")
    )


def tuning_page(found: dict[str, Any]) -> str:
    """Return the measurements as a page."""
    rows = []
    for cell, own in found["cells"].items():
        peer = own["one process per trial"]
        for name in ("stacked", "stacked, halving"):
            ratio = (
                f"{peer['cpu_s'] / own[name]['cpu_s']:.1f} "
                f"({peer['training_cpu_s'] / own[name]['cpu_s']:.1f})"
            )
            cost = [
                f"{seconds / found['trials']:.2f}"
                for seconds in (peer["cpu_s"], own[name]["cpu_s"])
            ]
            rows.append([cell, str(own["parameters"]), name, *cost, ratio])
    parts = [
        "# The cost of a tuned point",
        f"Written by `make bench-tuning` on {found['processor']}, torch {found['torch']}: CPU "
        "seconds per trial, one "
        f"thread, {found['trials']} trials of {found['steps']:,} steps of the perceptron task "
        "(batch 512, 5 steps of "
        "time), with the same tuner. The baseline starts one process per trial, with `nn.RNN` "
        "or `nn.LSTM`; in "
        "brackets, only its training is counted, not its start. Halving keeps 3 of 8 after an "
        "eighth of the steps, and "
        "1 of these after a half.",
        table(
            ["cell", "parameters", "ours", "baseline, s per trial", "ours, s per trial", "ratio"],
            rows,
        ),
    ]
    return "\n\n".join(parts) + "\n"
