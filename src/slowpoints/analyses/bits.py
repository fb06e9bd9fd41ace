"""Bits stored in the parameters (Collins et al. 2017, section 2.1): one row per run of the
perceptron task.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.measures.information import bits_per_parameter, mutual_information, soft_bits
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity
from slowpoints.tasks.perceptron import Settings as Perceptron
from slowpoints.tasks.perceptron import n_labels

COLUMNS = (
    "labels_per_parameter",
    "n_classes",
    "n_labels",
    "accuracy",
    "bits",
    "bits_per_parameter",
    "soft_bits",
    "soft_bits_per_parameter",
    "labels_per_bit",
)
OF_TASKS = ("perceptron",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return stored bits, hard (the paper's mutual information) and soft (by cross-entropy).

    Empty for diverged.
    """
    rows = [identity(record) | _stored(record) for record in given.records]
    return pd.DataFrame(rows), {}


def _stored(record: Record) -> dict[str, Any]:
    task: Perceptron = record.task.settings
    n = n_labels(task, n_parameters=record.n_parameters)
    accuracy, saved = record.metrics["accuracy"], record.metrics["soft_bits_per_label"]
    hard = (
        None
        if accuracy is None
        else float(mutual_information(n, accuracy, n_classes=task.n_classes))
    )
    soft = None if saved is None else float(soft_bits(n, saved))
    per = {"n_parameters": record.n_parameters}
    return {
        "labels_per_parameter": task.labels_per_parameter,
        "n_classes": task.n_classes,
        "n_labels": n,
        "accuracy": accuracy,
        "bits": hard,
        "bits_per_parameter": None if hard is None else float(bits_per_parameter(hard, **per)),
        "soft_bits": soft,
        "soft_bits_per_parameter": None if soft is None else float(bits_per_parameter(soft, **per)),
        "labels_per_bit": None if not hard else n / hard,
    }
