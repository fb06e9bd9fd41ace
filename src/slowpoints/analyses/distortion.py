"""Bits that a squared error needs (Collins et al. 2017, Fig. 3e-g): one row per run of the
functions task.

Departs: the paper shows the error alone; the bits are those of rate-distortion theory, the fewest
that allow it.
"""

from dataclasses import dataclass

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.analyses.outcomes import COLUMNS as OF_OUTCOMES
from slowpoints.measures.information import bits_needed

NEEDS = ("outcomes",)
COLUMNS = (*OF_OUTCOMES, "n_samples", "tau", "bits", "bits_per_parameter")
OF_TASKS = ("functions",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return the table of outcomes with the set each run learned, and the bits that its test error
    needs.
    """
    outcomes = given.tables["outcomes"]
    own = {record.id: record.task.settings for record in given.records}
    sets = {run: {"n_samples": task.n_samples, "tau": task.tau} for run, task in own.items()}
    rows = [
        _needed(mse, **sets[run]) for run, mse in zip(outcomes["run"], outcomes["mse"], strict=True)
    ]
    table = pd.concat([outcomes, pd.DataFrame(rows)], axis=1)
    return table.assign(bits_per_parameter=table["bits"] / table["n_parameters"]), {}


def _needed(mse: float, *, n_samples: int, tau: int) -> dict[str, float]:
    bits = float(bits_needed(mse, n_samples=n_samples, tau=tau))
    return {"n_samples": n_samples, "tau": tau, "bits": bits}
