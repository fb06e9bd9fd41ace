"""What predicts how long a class is remembered.

The speed of its slow point, or a rival? (Haviv et al. 2019)

Rank correlations over the classes of all networks, plain and given the nominal accuracy, at every
delay: where accuracies are near one or near chance there is nothing to predict, and a correlation
says nothing. Intervals are 95 %, whole networks resampled, with as many resamples as the claims
have.

The rivals: `noisy_speed` and `scatter`, one step at the point under the noise of the task; `rate`,
|ln| of the spectral radius, how fast the leading direction decays or grows (one over the size of
its time constant: marginal points come first); `distance` to the network's nearest other point;
`nominal`, accuracy on the trained delays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.measures import statistics

NEEDS: tuple[str, ...] = ("longevity",)
PREDICTORS = ("speed", "noisy_speed", "scatter", "rate", "distance", "nominal")
COLUMNS = (
    "cell", "curriculum", "outcome", "delay", "mean", "predictor", "rho", "low", "high",
    "partial", "partial_low", "partial_high", "n_networks", "n_classes",
)  # fmt: skip
TINY = np.finfo(float).tiny  # in place of a spectral radius of zero, whose logarithm is infinite


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per scope, outcome and predictor.

    cell, curriculum: the scope, "all" where pooled; outcome: "accuracy" at a delay, or "half_life";
    mean: of the outcome; rho: rank correlation of predictor and outcome; partial: the same given
    nominal accuracy; n_classes: points that enter, one per class and network.
    """
    table = given.tables["longevity"]
    table = table.assign(rate=np.log(table["spectral_radius"].clip(lower=TINY)).abs())
    outcomes = ["half_life", *(name for name in table if name.startswith("accuracy_at_"))]
    table = table.dropna(subset=[*PREDICTORS, *outcomes])
    rows = [scope | row for scope, own in _scopes(table) for row in _correlations(own, outcomes)]
    return pd.DataFrame(rows, columns=list(COLUMNS)), {}


def _scopes(table: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield every cell and curriculum, every cell, and all, with the rows that belong there."""
    for (cell, curriculum), own in table.groupby(["cell", "curriculum"], sort=False):
        yield {"cell": cell, "curriculum": curriculum}, own
    for cell, own in table.groupby("cell", sort=False):
        yield {"cell": cell, "curriculum": "all"}, own
    if len(table):
        yield {"cell": "all", "curriculum": "all"}, table


def _correlations(own: pd.DataFrame, outcomes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one scope; its networks are drawn, and its predictors ranked, once for all
    outcomes.
    """
    network = pd.factorize(own["run"])[0].astype(np.int64)
    drawn = statistics.resampled(network, np.zeros_like(network))
    weights = np.concatenate([np.ones((1, len(own))), drawn])  # row 0 gives the estimate
    ranks = {
        name: statistics.unit_ranks(weights, own[name].to_numpy(dtype=float)) for name in PREDICTORS
    }
    nominal = ranks["nominal"]
    size = {"n_networks": len(np.unique(network)), "n_classes": len(own)}
    for outcome in outcomes:
        kind, _, delay = outcome.partition("_at_")
        y = statistics.unit_ranks(weights, own[outcome].to_numpy(dtype=float))
        with_nominal = (nominal * y).sum(1)
        for predictor, x in ranks.items():
            plain = (x * y).sum(1)
            partial = statistics.partial(plain, (x * nominal).sum(1), with_nominal)
            yield {
                "outcome": kind,
                "delay": int(delay) if delay else None,
                "mean": own[outcome].mean(),
                "predictor": predictor,
                **_named(("rho", "low", "high"), plain, n=size["n_networks"]),
                **_named(("partial", "partial_low", "partial_high"), partial, n=size["n_networks"]),
                **size,
            }


def _named(names: tuple[str, ...], draws: np.ndarray, *, n: int) -> dict[str, float]:
    """Return estimate and interval by name.    draws: [1 + R], the estimate first"""
    interval = statistics.percentiles(float(draws[0]), draws[1:], n=n, limits=(-1.0, 1.0))
    return dict(zip(names, interval, strict=True))
