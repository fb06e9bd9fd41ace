"""Do all cells lie on one curve (Collins et al. 2017, Fig. 3)? How far each network is from it, in
two ways to plot.

One curve for all cells of one layer is drawn through the logarithm of their test metric, once over
parameters and once over units, as the paper's panel d does to warn of it. Two rows per network, the
one of its learning rates with the lowest validation metric. Departs: the paper judges by eye.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slowpoints.analyses._given import Given, Result
from slowpoints.analyses.outcomes import COLUMNS as OF_OUTCOMES

NEEDS = ("outcomes",)
SIZES = {"parameters": "n_parameters", "units": "units"}
DEGREE = 2  # of the curve: what is learned grows ever slower
COLUMNS = (*OF_OUTCOMES, "at", "size", "distance")


@dataclass(frozen=True)
class Settings:
    """Which metric, the lower the better."""

    metric: str


def run(given: Given) -> Result:
    """Return, per network and kind of size, the size and the distance from the common curve in
    decades.
    """
    y = given.settings.metric
    own = given.tables["outcomes"].dropna(subset=[y, f"valid_{y}"])
    best = (
        own[own["depth"] == 1]
        .sort_values([f"valid_{y}", "run"])
        .drop_duplicates(["arm", "budget", "seed"])
    )
    best = best.sort_index()
    parts = [
        best.assign(at=at, size=best[column], distance=_distances(best[column], best[y]))
        for at, column in SIZES.items()
    ]
    return pd.concat(parts, ignore_index=True), {}


def _distances(size: pd.Series, y: pd.Series) -> NDArray[np.float64]:
    """Return how far log10 y is from the curve that fits all rows best, a polynomial in log10 size.

    -> [N]
    """
    x, log_y = np.log10(size.to_numpy(dtype=float)), np.log10(y.to_numpy(dtype=float))
    powers = np.vander(x - x.sum() / max(1, len(x)), DEGREE + 1)
    return np.abs(log_y - powers @ np.linalg.lstsq(powers, log_y)[0])
