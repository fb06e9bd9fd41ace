"""How much a network holds: bits in its parameters, numbers in its units (Collins et al. 2017)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mutual_information(
    n_labels: ArrayLike, accuracy: ArrayLike, *, n_classes: int = 2
) -> NDArray[np.float64]:
    """Return I = b (log2 K + p log2 p + (1 - p) log2((1 - p) / (K - 1))), bits stored about b
    labels, a share p right.

    With K = 2 classes it is the paper's; K > 2 is ours, wrong answers taken as equally likely.
    Departs: p below chance, 1/K, counts as chance. For two classes the formula is symmetric in p
        and 1 - p,
    and would pay for it.
    """
    b, p = np.asarray(n_labels, dtype=float), np.asarray(accuracy, dtype=float)
    if np.any((p < 0) | (p > 1)):
        raise ValueError("accuracy must lie in 0..1 (a share, not a percentage)")
    p = np.maximum(p, 1 / n_classes)
    wrong = 1 - p
    # 0 log 0 = 0
    entropy = -p * np.log2(p) - wrong * np.log2(np.where(wrong > 0, wrong / (n_classes - 1), 1.0))
    return b * (np.log2(n_classes) - entropy)


def bits_held(accuracy: ArrayLike) -> np.float64:
    """Return the sum over fair bits of 1 - H(error), given the share of right answers to each.

    accuracy: [O]
    """
    return np.float64(mutual_information(1.0, accuracy).sum())


def soft_bits(n_labels: ArrayLike, soft_bits_per_label: ArrayLike) -> NDArray[np.float64]:
    """Return b (log2 K - cross-entropy in bits), at least zero.

    Whoever reads the network may ignore it.

    This lower bound of the stored information is what compression measures report, not the paper's
    score.
    """
    return np.asarray(n_labels, dtype=float) * np.maximum(
        0.0, np.asarray(soft_bits_per_label, dtype=float)
    )


def bits_per_parameter(bits: ArrayLike, *, n_parameters: ArrayLike) -> NDArray[np.float64]:
    """Return the stored bits divided by the number of trained parameters."""
    return np.asarray(bits, dtype=float) / np.asarray(n_parameters, dtype=float)


def throughput_line(n_units: ArrayLike, *, n_in: int) -> NDArray[np.float64]:
    """Return max(0, 1 - n / n_in), the squared error per dimension when n units keep one number
    each.
    """
    return np.maximum(0.0, 1 - np.asarray(n_units, dtype=float) / n_in)


def numbers_per_unit(mse: ArrayLike, *, n_units: ArrayLike, n_in: int) -> NDArray[np.float64]:
    """Return n_in (1 - mse) / n, the real numbers each of n units kept; mse is per dimension."""
    return n_in * (1 - np.asarray(mse, dtype=float)) / np.asarray(n_units, dtype=float)


def sample_weights(n_samples: int, *, tau: int) -> NDArray[np.float64]:
    """Return beta_i = 1 / ((i + tau) Z), i = 1..N, how much each sample of the functions task
    counts; sum one.
    """
    weight = 1 / (np.arange(1, n_samples + 1) + tau)
    return weight / weight.sum()


def recall_line(n_known: ArrayLike, *, n_samples: int, tau: int) -> NDArray[np.float64]:
    """Return the squared error of the functions task when the n samples that count most are known
    exactly.
    """
    known = np.concatenate([[0.0], np.cumsum(sample_weights(n_samples, tau=tau))])
    return 1 - known[np.asarray(n_known)]


def rate_distortion(bits: ArrayLike, *, n_samples: int, tau: int) -> NDArray[np.float64]:
    """Return the least squared error of the functions task that so many stored bits allow, on
    average over sets.

    Normal targets of variance one, of which sample i keeps the error D_i = min(1, level / beta_i)
    at the cost of log2(1 / D_i) / 2 bits (reverse water-filling; Cover & Thomas 2006, section
    10.3.3, with weights beta).
    """
    beta = sample_weights(n_samples, tau=tau)
    count = np.arange(1, n_samples + 1)
    sums = np.cumsum(np.log2(beta))
    needed = (sums - count * np.log2(beta)) / 2  # bits at which sample i begins to be stored
    bits = np.asarray(bits, dtype=float)
    stored = np.searchsorted(needed, bits, side="right")  # at least one: the first needs no bits
    level = np.exp2((sums[stored - 1] - 2 * bits) / stored)
    return stored * level + recall_line(stored, n_samples=n_samples, tau=tau)


def bits_needed(mse: ArrayLike, *, n_samples: int, tau: int) -> NDArray[np.float64]:
    """Return the fewest stored bits that allow a squared error.

    The inverse of `rate_distortion`.
    """
    beta = sample_weights(n_samples, tau=tau)
    count = np.arange(1, n_samples + 1)
    left = recall_line(count, n_samples=n_samples, tau=tau)
    reached = count * beta + left  # the error at which sample i begins to be stored; falls with i
    error = np.minimum(np.asarray(mse, dtype=float), 1.0)
    stored = np.searchsorted(-reached, -error, side="right").clip(1, n_samples)
    level = (error - left[stored - 1]) / stored
    return (np.cumsum(np.log2(beta))[stored - 1] - stored * np.log2(level)) / 2
