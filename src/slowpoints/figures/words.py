"""Words computed from tables: how many networks a figure shows, and the sentence under it."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slowpoints.claims.printing import number, with_interval
from slowpoints.figures.style import ARMS, PROTOCOLS, label, name_of
from slowpoints.measures import statistics
from slowpoints.measures.statistics import Interval

POOLED = "all"  # cells or curricula taken together
CURRICULA = {curriculum: PROTOCOLS[arm][1] for curriculum, arm in ARMS.items()} | {
    POOLED: "all curricula"
}
PREDICTORS = {  # of memory, in the order of the figure
    "speed": "speed",
    "rate": "leading rate",
    "distance": "distance",
    "nominal": "nominal",
    "noisy_speed": "noisy speed",
    "scatter": "scatter",
}


def counts(table: pd.DataFrame, *, per: list[str]) -> str:
    """Return how many networks stand behind each point, and how many diverged."""
    networks = table.drop_duplicates("run")
    sizes = networks.groupby(per, dropna=False)["run"].nunique()
    n = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    n_diverged = int((networks["outcome"] == "diverged").sum())
    return f"n = {n} networks per point; {n_diverged} of {len(networks)} diverged"


def best_of(table: pd.DataFrame, *, per: list[str], y: str) -> pd.DataFrame:
    """Return the row with the highest y among the rows that share the columns `per`."""
    return (
        table.dropna(subset=[y])
        .sort_values([y, "run"])
        .drop_duplicates(per, keep="last")
        .sort_index()
    )


def listed(parts: Iterable[str]) -> str:
    """Return the parts as words do: a, b and c."""
    *most, last = list(parts) or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def means(table: pd.DataFrame, *, by: str, y: str) -> str:
    """Return the mean of y over networks per value of `by`, with its interval, in words."""
    own = table.dropna(subset=[y]).groupby([by, "run"], sort=False)[y].mean().reset_index()
    groups = own.groupby(by, sort=False)[y]
    return listed(f"{name_of(str(name))} {_words(_mean(values))}" for name, values in groups)


def _mean(values: pd.Series) -> Interval:
    numbers = values.to_numpy(dtype=float)
    return statistics.interval(
        lambda w: statistics.mean(w, numbers), pd.RangeIndex(len(numbers)).to_numpy()
    )


def medians(table: pd.DataFrame, *, by: str, y: str) -> str:
    """Return the median of y over networks per value of `by`, with its interval, in words."""
    groups = (
        (name, own[y].dropna().to_numpy(float)) for name, own in table.groupby(by, sort=False)
    )
    return listed(f"{name_of(str(name))} {_words(_median(values))}" for name, values in groups)


def _median(values: NDArray[np.float64]) -> Interval:
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    return statistics.interval(lambda w: statistics.median(w, values), np.arange(len(values)))


def correlation(table: pd.DataFrame, *, x: str, y: str) -> Interval:
    """Return Spearman's rank correlation of two columns, its interval clustered by network."""
    rows = table.dropna(subset=[x, y])
    if len(rows) < 3:
        return Interval(float("nan"), float("nan"), float("nan"))
    a, b, network = rows[x].to_numpy(float), rows[y].to_numpy(float), pd.factorize(rows["run"])[0]
    return statistics.interval(
        lambda w: statistics.spearman(w, a, b), network.astype("int64"), limits=(-1.0, 1.0)
    )


def correlations(table: pd.DataFrame, *, x: str, y: str) -> str:
    """Return Spearman's rank correlation per cell, with its interval, in words."""
    found = ((cell, correlation(own, x=x, y=y)) for cell, own in table.groupby("cell", sort=False))
    return listed(f"{label(str(cell))} {_words(interval)}" for cell, interval in found)


def slopes(table: pd.DataFrame, *, x: str, y: str, log: bool) -> str:
    """Return the least-squares slope of y on x per arm, of both logarithms where `log`, with its
    interval, in words.
    """
    own = table[table[y] > 0].dropna(subset=[x])
    return listed(
        f"{name_of(str(arm))} {_words(_slope(rows[[x, y]], log=log))}"
        for arm, rows in own.groupby("arm", sort=False)
    )


def _slope(rows: pd.DataFrame, *, log: bool) -> Interval:
    numbers = rows.to_numpy(dtype=float)
    x, y = (np.log(numbers) if log else numbers).T
    return statistics.interval(
        lambda w: statistics.slope(w, x, y), pd.RangeIndex(len(x)).to_numpy()
    )


def _words(interval: Interval) -> str:
    if interval.estimate != interval.estimate:
        return "(nothing to estimate)"
    if interval.low != interval.low:
        return f"{number(interval.estimate)} (too few networks for an interval)"
    return with_interval(*interval)
