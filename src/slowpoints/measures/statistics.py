"""Estimates with intervals that respect what is independent.

Networks, never the points within one network.

Every statistic is a function of row weights: one line serves the estimate (all weights 1) and the
bootstrap (a row's weight is how often its network was drawn).    weights: [R, N], values: [N] ->
[R]
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]  # weights [R, N] -> estimates [R]

N_RESAMPLES = 2000
FEWEST = 3  # networks per group without which an interval would say nothing
SETTLED = 1e-9  # share of the variance of ranks below which nothing but rounding is left
SEED = 20170424  # any number: it only makes the intervals repeatable


class Interval(NamedTuple):
    """An estimate and its 95 % interval. The interval is NaN when there are too few networks for
    one.
    """

    estimate: float
    low: float
    high: float


def mean(weights: Array, y: Array) -> Array:
    """Return the weighted mean of y per row of weights."""
    return np.asarray(weights @ y / weights.sum(1))


def median(weights: Array, y: Array) -> Array:
    """Return the weighted median of y per row of weights.

    The mean of the middle two where the weight parts evenly.
    """
    order = np.argsort(y, kind="stable")
    reached = np.cumsum(weights[:, order], 1)
    half = reached[:, -1:] / 2
    lower, upper = np.argmax(reached >= half, 1), np.argmax(reached > half, 1)
    return np.asarray((y[order][lower] + y[order][upper]) / 2)


def slope(weights: Array, x: Array, y: Array) -> Array:
    """Return the least-squares slope of y on x; NaN where x does not vary."""
    dx, dy = x - mean(weights, x)[:, None], y - mean(weights, y)[:, None]
    return _divide((weights * dx * dy).sum(1), (weights * dx * dx).sum(1))


def spearman(weights: Array, x: Array, y: Array, *, given: Array | None = None) -> Array:
    """Compute Spearman's rank correlation, ties given their middle rank.

    Args:
        weights: [R, N], how often each row counts
        x, y: [N]
        given: [N]; with it the correlation is the partial one, of what is left of both ranks when
            those of `given` are regressed out

    Returns:
        [R]; NaN where x or y does not vary.
    """
    rx, ry = unit_ranks(weights, x), unit_ranks(weights, y)
    if given is None:
        return np.asarray((rx * ry).sum(1))
    rz = unit_ranks(weights, given)
    return partial((rx * ry).sum(1), (rx * rz).sum(1), (ry * rz).sum(1))


def partial(xy: Array, xz: Array, yz: Array) -> Array:
    """Return the correlation of x and y given z from the three plain ones.

    NaN where z settles x or y.

    each [R]
    """
    left = (1 - xz**2) * (1 - yz**2)
    return _divide(xy - xz * yz, np.sqrt(np.where(left > SETTLED, left, 0)))


def unit_ranks(weights: Array, values: Array) -> Array:
    """Return weighted ranks: the products of those of x and of y sum to Spearman's correlation.

    -> [R, N]

    Middle ranks less their mean, times the root of the weight, scaled to unit length; NaN where
    nothing varies.
    """
    rank = midranks(weights, values)
    centred = rank - (weights * rank).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
    scaled = np.sqrt(weights) * centred
    return _divide(scaled, np.sqrt((scaled**2).sum(1, keepdims=True)))


def midranks(weights: Array, values: Array) -> Array:
    """Return the middle rank of every value when each counts as often as its weight.

    -> [R, N]
    """
    _, place = np.unique(values, return_inverse=True)
    per_value = np.zeros((len(weights), place.max() + 1))
    np.add.at(per_value.T, place, weights.T)
    below = np.cumsum(per_value, 1) - per_value
    return np.asarray((below + (per_value + 1) / 2)[:, place])


def _divide(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b > 1e-300)


def resampled(network: NDArray[np.int64], group: NDArray[np.int64], *, seed: int = SEED) -> Array:
    """Return row weights of bootstrap draws of whole networks within each group.

    [N] -> [R, N]
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((N_RESAMPLES, len(network)))
    for label in np.unique(group):
        rows = np.flatnonzero(group == label)
        members, place = np.unique(network[rows], return_inverse=True)
        drawn = rng.multinomial(
            len(members), np.full(len(members), 1 / len(members)), size=N_RESAMPLES
        )
        weights[:, rows] = drawn[:, place]
    return weights


def interval(
    statistic: Statistic,
    network: NDArray[np.int64],
    *,
    group: NDArray[np.int64] | None = None,
    limits: tuple[float, float] = (-np.inf, np.inf),
    level: float = 0.95,
) -> Interval:
    """Estimate a statistic with a percentile interval, whole networks resampled within groups.

    Args:
        statistic: row weights [R, N] -> [R]
        network: [N], the network of every row
        group: [N], within which networks are resampled; by default all together
        limits: between which the statistic lies
        level: of the interval
    """
    group = np.zeros_like(network) if group is None else group
    estimate = float(statistic(np.ones((1, len(network))))[0])
    n = min(len(np.unique(network[group == label])) for label in np.unique(group))
    return percentiles(
        estimate, statistic(resampled(network, group)), n=n, limits=limits, level=level
    )


def percentiles(
    estimate: float,
    draws: Array,
    *,
    n: int,
    limits: tuple[float, float] = (-np.inf, np.inf),
    level: float = 0.95,
) -> Interval:
    """Return an estimate with the percentile interval of its bootstrap draws.

    [R]

    Percentiles are too narrow for few networks: they are stretched about the estimate by t/z √(n /
    (n - 1)), n the networks of the smallest group. For a mean this is Student's interval. `limits`:
    what values can be.
    """
    if n < FEWEST or not np.isfinite(estimate) or np.isnan(draws).mean() > 0.05:
        return Interval(estimate, np.nan, np.nan)
    tail = (1 - level) / 2
    stretch = stats.t.ppf(1 - tail, n - 1) / stats.norm.ppf(1 - tail) * np.sqrt(n / (n - 1))
    low, high = estimate + stretch * (np.nanquantile(draws, [tail, 1 - tail]) - estimate)
    return Interval(estimate, max(float(low), limits[0]), min(float(high), limits[1]))


def wilson(n_true: int, n: int, *, level: float = 0.95) -> Interval:
    """Estimate a share with Wilson's interval, which stays honest at 0 and at 1.

    Args:
        n_true, n: how many of how many
        level: of the interval
    """
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    low, high = stats.binomtest(n_true, n).proportion_ci(level, method="wilson")
    return Interval(n_true / n, float(low), float(high))


def exact(n_true: int, n: int, *, level: float = 0.95) -> Interval:
    """Estimate a share with its exact interval, for shares that do not vary from row to row.

    Args:
        n_true, n: how many of how many
        level: of the interval

    Reference: Clopper & Pearson 1934.
    """
    low, high = stats.binomtest(n_true, n).proportion_ci(level, method="exact")
    return Interval(n_true / n, float(low), float(high))


def share_difference(
    first: tuple[int, int], second: tuple[int, int], *, level: float = 0.95
) -> Interval:
    """Estimate one share minus another with Newcombe's interval, which rests on Wilson's for each.

    Args:
        first, second: (how many, of how many)
        level: of the interval
    """
    a, b = wilson(*first, level=level), wilson(*second, level=level)
    change = a.estimate - b.estimate
    low = change - np.hypot(a.estimate - a.low, b.high - b.estimate)
    return Interval(
        change, float(low), float(change + np.hypot(a.high - a.estimate, b.estimate - b.low))
    )


def holm(p: Array) -> Array:
    """Correct p values for how many tests there are, after Holm.

    Args:
        p: [N]; those that are NaN are no tests

    Returns:
        [N]
    """
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    raised = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    corrected = np.full_like(p, np.nan)
    corrected[order] = np.minimum(raised, 1)
    return corrected


def benjamini_hochberg(p: Array) -> Array:
    """Correct p values so that those below a level hold the share of false ones below it.

    Args:
        p: [N]; those that are NaN are no tests

    Returns:
        [N]

    Reference: Benjamini & Hochberg 1995.
    """
    corrected, tested = np.full_like(p, np.nan), ~np.isnan(p)
    if tested.any():
        corrected[tested] = stats.false_discovery_control(p[tested])
    return corrected


def median_steps(steps: Array, solved: NDArray[np.bool_]) -> float:
    """Return the Kaplan-Meier median of steps to solve; infinite when fewer than half solve.

    [N], [N]

    `steps` of a network that did not solve its task is how long it was watched.
    """
    if not len(steps):
        return float("nan")
    unsolved = stats.ecdf(_censored(steps, solved)).sf
    reached = unsolved.quantiles[unsolved.probabilities <= 0.5 + 1e-12]
    return float(reached[0]) if len(reached) else float("inf")


def _censored(steps: Array, solved: NDArray[np.bool_]) -> stats.CensoredData:
    return stats.CensoredData(uncensored=steps[solved], right=steps[~solved])
