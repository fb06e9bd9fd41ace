"""What a tuned point costs: a study of this project against one process per trial, with the same tuner."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench import peer_trial
from bench.measure import processor
from bench.report import table
from slowpoints.engine import count_parameters
from slowpoints.provenance.records import read_records
from slowpoints.spec.canonical import digest
from slowpoints.spec.settings import resolve
from slowpoints.tasks.perceptron import Settings as Perceptron
from slowpoints.tasks.perceptron import n_labels
from slowpoints.training import job
from slowpoints.training.stack import network
from slowpoints.tuning import study
from slowpoints.tuning.sampler import Trial, dimensions, settings, suggest

CELLS, STEPS, BUDGET, TRIALS, TOGETHER = ("rnn", "lstm"), 2000, 1000, 16, 8
SPACE = {
    "net.input_scale": {"kind": "log", "values": [0.5, 2.0], "per": "run"},
    "task.labels_per_parameter": {"kind": "uniform", "values": [2.0, 4.0], "per": "run"},
    "train.lr": {"kind": "log", "values": [5e-3, 5e-2], "per": "run"},
}
TUNE: dict[str, Any] = {"metric": "bits_per_parameter", "goal": "highest", "trials": TRIALS, "sampler": "gp",
        "first": TOGETHER, "together": TOGETHER, "keep": 0.375, "reruns": 0, "space": SPACE}  # fmt: skip
HALVING = [0.125, 0.5]


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
    _study(_base(cell, steps=160), [])  # what is compiled at first use is not of interest here
    return {
        "parameters": _n_parameters(base),
        "one process per trial": _peer(base),
        "stacked": _study(base, []),
        "stacked, halving": _study(base, HALVING),
    }


def _base(cell: str, steps: int = STEPS) -> dict[str, Any]:
    train = {"steps": steps, "batch": 512, "lr": 0.01, "schedule": "exponential", "lr_final": 0.01, "clip": 10.0}
    blocks = resolve(
        {"name": "perceptron", "n_in": 20, "n_steps": 5},
        {"cell": cell, "budget": BUDGET, "initial_state": "learned"},
        train | {"eval_every": steps // 16 or 1},
        where="benchmark",
    )
    return {"experiment": "benchmark", "arm": cell, "sweep": {}, "seed": 0, "id": f"benchmark/{cell}/0", **blocks}


def _n_parameters(base: dict[str, Any]) -> int:
    return int(count_parameters(network(base["task"], base["net"])))


def _study(base: dict[str, Any], rungs: list[float]) -> dict[str, float]:
    """Return seconds of CPU and the best bits per parameter of one study of ours, in this process."""
    plan = {"runs": [base], "tune": TUNE | {"rungs": rungs}}
    start = time.process_time()
    with TemporaryDirectory() as folder:
        out = job.Outputs(*(Path(folder, name) for name in ("plan", "runs.jsonl", "runs.safetensors", "provenance")))
        study.run(plan | {"digest": digest(plan)}, out=out, checkpoint=Path(folder, "study.safetensors"),
                 device=torch.device("cpu"), data_dir=None, torch_build="cpu")  # fmt: skip
        records = read_records(out.records)
    best = study.best_of(records, TUNE)["valid"]["bits_per_parameter"]
    return {"cpu_s": time.process_time() - start, "best": best}


def _peer(base: dict[str, Any]) -> dict[str, float]:
    """Return the same for one process per trial: seconds in all, and those of training alone."""
    net = network(base["task"], base["net"])
    dims = dimensions(SPACE, net.cell)
    known: list[Trial] = []
    before, training = _cpu(), 0.0
    while len(known) < TRIALS:
        how = {name: TUNE[name] for name in ("goal", "sampler", "first")}
        for point in suggest(dims, known, TOGETHER, name=base["id"], **how):
            values = settings(dims, point)
            own = Perceptron(n_in=20, labels_per_parameter=values["task.labels_per_parameter"])
            labels = n_labels(own, n_parameters=_n_parameters(base))
            found = _process(base, units=net.units, lr=values["train.lr"], n_labels=labels, seed=len(known))
            training += found["cpu_s"]
            known.append(Trial(point, found["accuracy"] * labels))
    return {"cpu_s": _cpu() - before, "training_cpu_s": training}


def _process(base: dict[str, Any], **own: Any) -> dict[str, float]:
    train = {name: base["train"][name] for name in ("steps", "batch", "lr_final", "clip")}
    trial = train | {"cell": base["arm"], "n_in": 20, "n_steps": 5} | own
    command = [
        sys.executable,
        peer_trial.__file__,
        json.dumps(trial),
    ]  # the file alone: it needs torch, nothing of ours
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _cpu() -> float:
    """Return the CPU time of this process and of those it waited for."""
    return sum(getattr(resource.getrusage(who), name) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
               for name in ("ru_utime", "ru_stime"))  # fmt: skip


def tuning_page(found: dict[str, Any]) -> str:
    """Return the measurements as a page."""
    rows = []
    for cell, own in found["cells"].items():
        peer = own["one process per trial"]
        for name in ("stacked", "stacked, halving"):
            ratio = f"{peer['cpu_s'] / own[name]['cpu_s']:.1f} ({peer['training_cpu_s'] / own[name]['cpu_s']:.1f})"
            cost = [f"{seconds / found['trials']:.2f}" for seconds in (peer["cpu_s"], own[name]["cpu_s"])]
            rows.append([cell, str(own["parameters"]), name, *cost, ratio])
    parts = [
        "# The cost of a tuned point",
        f"Written by `make bench-tuning` on {found['processor']}, torch {found['torch']}: CPU seconds per trial, one "
        f"thread, {found['trials']} trials of {found['steps']:,} steps of the perceptron task (batch 512, 5 steps of "
        "time), with the same tuner. The baseline starts one process per trial, with `nn.RNN` or `nn.LSTM`; in "
        "brackets, only its training is counted, not its start. Halving keeps 3 of 8 after an eighth of the steps, and "
        "1 of these after a half.",
        table(["cell", "parameters", "ours", "baseline, s per trial", "ours, s per trial", "ratio"], rows),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"
