"""How every run learned: one row per run and evaluation on validation data."""

from dataclasses import dataclass

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.provenance.records import identity


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return step, training loss and validation metrics."""
    parts = [
        pd.DataFrame(record.curve).assign(**identity(record))
        for record in given.records
        if record.curve
    ]
    return pd.concat(parts, ignore_index=True), {}
