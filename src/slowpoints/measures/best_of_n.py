"""What the best of n trials is worth: order statistics of trials drawn without replacement."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def expected_best(values: Array) -> Array:
    """Return the expected highest of n values drawn without replacement, n = 1 .. N.

    [..., N] -> [..., N]

    Exact: the i-th lowest of N values is the highest of n drawn with probability C(i - 1, n - 1) /
    C(N, n).
    """
    return np.asarray(np.sort(values, axis=-1) @ _chances(values.shape[-1]).T)


def _chances(n_values: int) -> Array:
    """Return the probability that the highest of n drawn is the i-th lowest of all.

    -> [n, i], both from 1
    """
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n_values + 1)))])
    n, i = np.ogrid[1 : n_values + 1, 1 : n_values + 1]
    ways = log_factorial[i - 1] - log_factorial[n - 1] - log_factorial[np.maximum(i - n, 0)]
    of = log_factorial[n_values] - log_factorial[n] - log_factorial[n_values - n]
    return np.where(i >= n, np.exp(ways - of), 0.0)


def resampled(values: Array, *, n_resamples: int, seed: int) -> Array:
    """Return bootstrap draws of the values, with replacement.    [N] -> [R, N]"""
    rows = np.random.default_rng(seed).integers(0, len(values), (n_resamples, len(values)))
    return np.asarray(values[rows])


def running_best(values: Array) -> Array:
    """Return the highest value so far, in the order given; NaN until there is one.    [N] -> [N]"""
    return np.asarray(np.fmax.accumulate(values))
