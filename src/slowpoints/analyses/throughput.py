"""Real numbers that the units pass on (Collins et al. 2017, Fig. 2c): one row per run of the
throughput task.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.measures.information import numbers_per_unit, throughput_line
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity

COLUMNS = ("n_in", "mse", "numbers_per_unit", "line")
OF_TASKS = ("throughput",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return squared error per dimension, the line it would lie on at one number per unit, and
    numbers per unit.
    """
    rows = [identity(record) | _passed(record) for record in given.records]
    return pd.DataFrame(rows), {}


def _passed(record: Record) -> dict[str, Any]:
    sizes = {"n_units": record.units, "n_in": record.task.settings.n_in}
    mse = record.metrics["mse"]
    return {
        "mse": mse,
        "line": float(throughput_line(sizes["n_units"], n_in=sizes["n_in"])),
        "n_in": sizes["n_in"],
        "numbers_per_unit": None if mse is None else float(numbers_per_unit(mse, **sizes)),
    }
