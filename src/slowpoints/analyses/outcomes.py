"""How every run ended: one row per run, diverged ones included."""

from dataclasses import dataclass

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.records import identity


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return outcome, steps, steps to solve (empty: not within the budget) and final test metrics."""
    rows = [
        identity(record)
        | {name: record[name] for name in ("steps", "steps_to_solve", "solved")}
        | {"lr": record["train"]["lr"], "max_steps": record["train"]["steps"]}
        | record["metrics"]
        for record in given.records
    ]
    return pd.DataFrame(rows), {}
