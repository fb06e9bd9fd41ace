"""How every run ended: one row per run, diverged ones included."""

from dataclasses import dataclass

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity

COLUMNS = ("steps", "steps_to_solve", "solved", "lr", "max_steps", "{metric}", "valid_{metric}")


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return outcome, steps, steps to solve (empty: not within the budget), final test and
    validation metrics.
    """
    rows = [
        identity(record)
        | {"steps": record.steps, "steps_to_solve": record.steps_to_solve, "solved": record.solved}
        | {"lr": record.train.lr, "max_steps": record.train.steps}
        | record.metrics
        | {f"valid_{name}": _last(record, name) for name in record.metrics}
        for record in given.records
    ]
    return pd.DataFrame(rows), {}


def _last(record: Record, metric: str) -> float | None:
    """Return a validation metric at the last evaluation.

    None of a run that diverged, which came to no last one.
    """
    return None if record.is_lost else float(record.curve[metric][-1])
