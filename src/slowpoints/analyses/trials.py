"""Every trial and rerun of a tuned experiment, in the schema of the data set that Collins et al.
(2017) published.

Their columns are architecture, task_type, hparams, n_layers, hyper_iter, max_params, num_params,
train_loss, valid_loss and eval_loss; what names a run, what was tuned and how the run ended stand
before and after them.

train_loss is the loss that training lowers. valid_loss and eval_loss are what the tuner seeks, on
the data it sees and on test data, the lower the better: where it seeks the highest value (accuracy,
bits per parameter) the value's negative stands there, and in `baseline`. All are empty where a run
diverged.

The authors' names: the architectures RNN, IRNN, UGRNN, GRU, LSTM and +RNN; the six tasks of their
paper; the hyperparameters of an LSTM, from the one example in their README. Other cells and tasks,
and hyperparameters that have no counterpart there, go by our names. Departs: that "g" is the forget
gate is inferred; for cells other than the LSTM no name of a gate is known to us, so that ours
stands in its place.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from slowpoints import tasks
from slowpoints.analyses._given import Given, Result
from slowpoints.data import authors_trials
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity

ARCHITECTURES = {"intersection_rnn": "+rnn"}
TASKS = {"perceptron": "per_cap", "throughput": "mem_thru", "parentheses": "parens_counting"}
HYPERPARAMETERS = {
    "train.lr": "lr_init",
    "train.lr_final": "lr_decay_rate",
    "train.steps": "train_steps",
    "train.optimizer": "optimizer",
    "train.momentum": "optimizer_logit_momentum",  # theirs is the logit
    "train.clip": "gradient_clip_val",
    "train.decay": "l2_decay",
    "net.keep_bias": "forget_gate_bias_hack",
    "net.recurrent_init": "recurrent_matrix_init_type",
    "net.recurrent_scale": "recurrent_matrix_scale",
    "net.input_scale": "input_scale",
    "net.bias_init": "recurrent_bias_init_type",
    "net.bias_scale": "recurrent_bias_scale",
}
GATES = {"lstm": {"input": "i", "forget": "g", "candidate": "c", "output": "o"}}
COLUMNS = (*authors_trials.COLUMNS, "metric", "goal", "baseline", "infeasible", "worse")
OF_STUDIES = True


@dataclass(frozen=True)
class Settings:
    """When a run counts as worse than the constant predictor.

    The share of its score by which it must be worse.
    """

    tolerance: float = (
        0.01  # a network that found the constant scores a little worse by the draw of the test data
    )

    def __post_init__(self) -> None:
        """Refuse a tolerance below zero."""
        if self.tolerance < 0:
            raise ValueError(f"trials: tolerance is {self.tolerance}; must not be negative")


def run(given: Given) -> Result:
    """Return one row per trial and rerun; infeasible: no finite score.

    Worse: finite, but worse than the constant.
    """
    return pd.DataFrame(
        [_row(record, tolerance=given.settings.tolerance) for record in given.records]
    ), {}


def _row(record: Record, *, tolerance: float) -> dict[str, Any]:
    cell, task, is_trial = record.net.cell, record.task.name, record.run.sweep["phase"] == "trial"
    told = record.told
    metric, sign = told.tuned["metric"], 1 if told.tuned["goal"] == "lowest" else -1
    baseline = sign * tasks.load(task).baseline(record.task.settings)[metric]
    found = _signed(record.metrics[metric], sign)
    return identity(record) | {
        "architecture": ARCHITECTURES.get(cell, cell),
        "task_type": TASKS.get(task, task),
        "hparams": json.dumps(authors_names(record.run.suggested or {}, cell=cell), sort_keys=True),
        "n_layers": record.net.depth,
        "hyper_iter": record.run.seed if is_trial else None,
        "max_params": record.net.budget,
        "num_params": record.n_parameters,
        "train_loss": told.train_loss,
        "valid_loss": _signed(told.valid[metric], sign),
        "eval_loss": found,
        "metric": metric,
        "goal": told.tuned["goal"],
        "baseline": baseline,
        "infeasible": found is None,
        "worse": found is not None and found > baseline + tolerance * abs(baseline),
    }


def _signed(value: float | None, sign: int) -> float | None:
    return None if value is None else sign * value


def authors_names(suggested: dict[str, Any], *, cell: str) -> dict[str, Any]:
    """Return the hyperparameters by the authors' names where these are known, by ours where not."""
    named = {}
    for key, value in suggested.items():
        base, gate = ".".join(key.split(".")[:2]), ".".join(key.split(".")[2:])
        own = GATES.get(cell, {}).get(gate, gate)
        name = (
            "_".join(filter(None, (HYPERPARAMETERS[base], own))) if base in HYPERPARAMETERS else key
        )
        named[name] = math.log(value / (1 - value)) if base == "train.momentum" else value
    return named
