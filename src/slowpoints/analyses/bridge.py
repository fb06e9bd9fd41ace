"""Bits per parameter as RNN studies count them and as language-model studies do, in the formats
weights are stored in.

The same trained networks are scored in hard bits, the mutual information of Collins et al. (2017,
section 2.1), and in soft bits, by log-likelihood, as Morris et al. (2025, arXiv 2505.24832) do;
with their weights as trained, and rounded after training: to bfloat16, and to 8 .. 2 bits. If a
parameter stores five bits, as Collins et al. say, five bits of storage could suffice; they note
that Han et al. (2015) store weights so.

Only weights are rounded, biases, learned initial states and read-out included; states and sums stay
float32. The step of the grid, one number per tensor, is not counted as storage. Nothing is trained
after rounding, so what is lost is an upper bound of what has to be lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from slowpoints.analyses import bits
from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._rounding import bfloat16, quantised
from slowpoints.engine import count_parameters
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity
from slowpoints.training.batches import worlds
from slowpoints.training.evaluate import scores
from slowpoints.training.stack import Group, rows_of

FORMATS: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "fp32": (32, lambda w: w),
    "bf16": (16, bfloat16),
} | {f"q{k}": (k, partial(quantised, bits=k)) for k in range(8, 1, -1)}
MEASURES = ("accuracy", "bits_per_parameter", "soft_bits_per_parameter")
COLUMNS = (
    "n_classes",
    "format",
    "storage_bits",
    "accuracy",
    "bits_per_parameter",
    "soft_bits_per_parameter",
    "bits_per_stored_bit",
    "kept",
    "soft_per_hard",
)
OF_TASKS = ("perceptron",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per network and format; of a study its reruns, not its trials.

    Diverged networks are left out.

    bits_per_stored_bit: hard bits over bits of storage; kept: share of the hard bits as trained
    that a format keeps; soft_per_hard: soft bits over hard ones; the last two are empty where there
    are no hard bits.
    """
    names = list(identity(given.records[0])) if given.records else []
    rows = [
        row
        for group in map(_reported, given.groups)
        if group.records
        for row in _rows(group, given)
    ]
    return pd.DataFrame(
        rows, columns=[*names, *(name for name in COLUMNS if name not in names)]
    ), {}


def _reported(group: Group) -> Group:
    """Return the networks that are reported: all but trials."""
    own = [
        row for row, record in enumerate(group.records) if record.run.sweep.get("phase") != "trial"
    ]
    return rows_of(group, own)


def _rows(group: Group, given: Given) -> list[dict[str, Any]]:
    """Return the rows of one group, network by network."""
    settings = [record.task.settings for record in group.records]
    runs = [record.run for record in group.records]
    n_parameters = count_parameters(group.network)
    sets = worlds(runs, group.task, settings, n_parameters=n_parameters, data_dir=given.data_dir)
    owners = list(zip(runs, settings, sets, strict=True))
    stored = {
        name: _stored(group, owners, given, rounded=rounded)
        for name, (_, rounded) in FORMATS.items()
    }
    return [
        _row(record, own[i], as_trained=stored["fp32"][i], form=name)
        for i, record in enumerate(group.records)
        for name, own in stored.items()
    ]


def _stored(
    group: Group, owners: list[Any], given: Given, *, rounded: Callable[[Tensor], Tensor]
) -> list[dict[str, Any]]:
    """Return what the analysis `bits` says of a group whose weights are `rounded`, on the sets that
    it learned.
    """
    weights = {name: rounded(value) for name, value in group.params.items()}
    rows, device = group.records[0].train.test_rows, torch.device("cpu")
    found = scores(
        group.network, weights, owners, group.task, split="test", rows=rows, device=device
    )
    metrics: list[dict[str, float | None]] = [
        {name: float(value[i]) for name, value in found.items()} for i in range(len(group.records))
    ]
    records = [
        replace(record, metrics=own) for record, own in zip(group.records, metrics, strict=True)
    ]
    return bits.run(given._replace(records=records))[0].to_dict("records")


def _row(
    record: Record, stored: dict[str, Any], *, as_trained: dict[str, Any], form: str
) -> dict[str, Any]:
    """Return the row of one network in one format."""
    hard, soft, trained = (
        *(stored[name] for name in MEASURES[1:]),
        as_trained["bits_per_parameter"],
    )
    width = FORMATS[form][0]
    return (
        identity(record)
        | {"n_classes": stored["n_classes"], "format": form, "storage_bits": width}
        | {name: stored[name] for name in MEASURES}
        | {"bits_per_stored_bit": hard / width}
        | {
            "kept": hard / trained if trained else None,
            "soft_per_hard": soft / hard if hard else None,
        }
    )
