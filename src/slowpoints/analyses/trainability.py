"""How reliably each cell trains (Collins et al. 2017, Fig. 5, Tables 1 and App.1): one row per
study.

A study is the trials of one arm at one sweep point, or the reruns of their best setting.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._studies import columns
from slowpoints.measures import statistics

NEEDS: tuple[str, ...] = ("trials",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return counts and shares of both kinds of failure, and how eval_loss spreads over the
    feasible networks.

    infeasible: no finite score; worse: finite, but worse than the constant predictor. Shares are of
    all networks of the study, with Wilson's interval. n_stopped: given up early; they count with
    the loss they had then.
    """
    studies = given.tables["trials"].groupby(
        names := columns(given.records), sort=False, dropna=False
    )
    rows = [dict(zip(names, key, strict=True)) | _summary(own) for key, own in studies]
    return pd.DataFrame(rows), {}


def _summary(own: pd.DataFrame) -> dict[str, Any]:
    loss = own["eval_loss"].dropna().astype(float)
    quartiles = {
        name: loss.quantile(q) for name, q in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))
    }
    return (
        {
            "n_parameters": own["num_params"].iloc[0],
            "n": len(own),
            "n_stopped": int((own["outcome"] == "stopped").sum()),
        }
        | _share(own["infeasible"], "infeasible")
        | _share(own["worse"], "worse")
        | {"baseline": own["baseline"].iloc[0], "min": loss.min(), **quartiles, "max": loss.max()}
        | {"mean": loss.mean(), "sd": loss.std()}
    )


def _share(failed: pd.Series, name: str) -> dict[str, Any]:
    found = statistics.wilson(int(failed.sum()), len(failed))
    return {
        f"n_{name}": int(failed.sum()),
        name: found.estimate,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
    }
