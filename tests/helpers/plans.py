"""Small plans that several tests use."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from slowpoints.provenance.record import Facts, Record
from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import Run

ROOT = Path(__file__).resolve().parents[2]
TASKS: list[dict[str, Any]] = [
    {"name": "memorization", "n_targeted": 2, "n_interfering": 3},
    {"name": "adding", "n_steps": 6},
    {"name": "perceptron", "n_in": 6, "labels_per_parameter": 0.5},
    {"name": "perceptron", "n_in": 6, "labels_per_parameter": 0.5, "n_classes": 3},
    {"name": "throughput", "n_in": 4, "n_steps": 3},
    {"name": "functions", "n_in": 4, "n_samples": 50, "tau": 5, "n_steps": 3},
    {"name": "text", "n_steps": 8, "n_warm": 3},
    {"name": "parentheses", "n_streams": 2, "n_types": 2, "n_noise": 2, "cap": 3, "n_steps": 8},
    {"name": "arithmetic", "n_digits": 1, "n_steps": 12},
    {"name": "delayed_classification", "loss": "ce", "n_steps": 8},
    {"name": "delayed_classification", "loss": "paper", "n_steps": 8},
]


def make_run(
    seed: int = 0,
    *,
    arm: str = "a",
    task: dict[str, Any] | None = None,
    net: dict[str, Any] | None = None,
    **train: Any,
) -> Run:
    """Return one small run."""
    blocks = resolve(
        {"name": "memorization", "n_targeted": 2, "n_interfering": 3} if task is None else task,
        {"cell": "gru", "units": 4} | (net or {}),
        {"steps": 20, "batch": 32, "lr": 1e-2, "eval_every": 5, "eval_rows": 32, "test_rows": 32}
        | train,
        where="test",
    )
    return Run("test", arm, {}, seed, *blocks)


def trained_by(record: Record, **train: Any) -> Record:
    """Return a record as if it had been trained in another way.

    Whether that were possible is not checked.
    """
    own = copy.copy(record.run.train)
    vars(own).update(train)
    return replace(record, run=replace(record.run, train=own))


FACTS = Facts(
    digests={"plan": "p", "code": "c", "env": "e"},
    versions={"python": "3", "torch": "2", "numpy": "2"},
    engine="compiled",
    device="cpu AVX2",
    matmul="float32",
    threads=1,
    dtype="float32",
)


def make_record(run: Run, **given: Any) -> Record:
    """Return the record of a run that has ended well, but for what is given."""
    own: dict[str, Any] = {
        "outcome": "ok",
        "steps": run.train.steps,
        "steps_to_solve": None,
        "solved": False,
        "metrics": {},
        "curve": {},
        "units": run.net.units,
        "n_parameters": 1,
        "facts": FACTS,
        "weights": {"file": "x.safetensors", "sha256": ""},
        "row": 0,
    }
    return Record(run, **own | given)
