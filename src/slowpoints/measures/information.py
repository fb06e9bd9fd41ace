"""How much a network holds: bits in its parameters, numbers in its units (Collins et al. 2017)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mutual_information(
    n_labels: ArrayLike, accuracy: ArrayLike, *, n_classes: int = 2
) -> NDArray[np.float64]:
    """Compute the bits stored about labels from the share that is right.

    I = b (log2 K + p log2 p + (1 - p) log2((1 - p) / (K - 1))). With K = 2 classes it is the
    paper's; K > 2 is ours, wrong answers taken as equally likely. Departs: p below chance, 1/K,
    counts as chance. For two classes the formula is symmetric in p and 1 - p, and would pay for it.

    Args:
        n_labels: b
        accuracy: p, a share in 0..1
        n_classes: K

    Returns:
        Bits, for all labels together.

    Raises:
        ValueError: an accuracy that is no share.

    Reference: Collins et al. 2017, section 2.1.
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
    """Sum 1 - H(error) over fair bits that are read one by one.

    Args:
        accuracy: [O], the share of right answers to each bit

    Returns:
        Bits.
    """
    return np.float64(mutual_information(1.0, accuracy).sum())


def soft_bits(n_labels: ArrayLike, soft_bits_per_label: ArrayLike) -> NDArray[np.float64]:
    """Compute b (log2 K - cross-entropy in bits), at least zero.

    This lower bound of the stored information is what compression measures report, not the paper's
    score: whoever reads the network may ignore it.

    Args:
        n_labels: b
        soft_bits_per_label: log2 K less the cross-entropy in bits

    Returns:
        Bits, for all labels together.
    """
    return np.asarray(n_labels, dtype=float) * np.maximum(
        0.0, np.asarray(soft_bits_per_label, dtype=float)
    )


def bits_per_parameter(bits: ArrayLike, *, n_parameters: ArrayLike) -> NDArray[np.float64]:
    """Return the stored bits divided by the number of trained parameters."""
    return np.asarray(bits, dtype=float) / np.asarray(n_parameters, dtype=float)


def throughput_line(n_units: ArrayLike, *, n_in: int) -> NDArray[np.float64]:
    """Compute the squared error when every unit passes on one number.

    Args:
        n_units: n
        n_in: numbers shown

    Returns:
        max(0, 1 - n / n_in), per number shown.
    """
    return np.maximum(0.0, 1 - np.asarray(n_units, dtype=float) / n_in)


def numbers_per_unit(mse: ArrayLike, *, n_units: ArrayLike, n_in: int) -> NDArray[np.float64]:
    """Compute how many real numbers each unit kept: n_in (1 - mse) / n.

    Args:
        mse: squared error per number shown, of numbers of variance one
        n_units: n
        n_in: numbers shown
    """
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
    """Compute the least squared error of the functions task that so many stored bits allow.

    Normal targets of variance one, of which sample i keeps the error D_i = min(1, level / beta_i)
    at the cost of log2(1 / D_i) / 2 bits: reverse water-filling with weights beta.

    Args:
        bits: stored about all samples
        n_samples: N
        tau: of beta_i = 1 / ((i + tau) Z)

    Returns:
        The weighted squared error, on average over sets.

    Reference: Cover & Thomas 2006, section 10.3.3.
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
    """Compute the fewest stored bits that allow a squared error: the inverse of `rate_distortion`.

    Args:
        mse: weighted squared error of the functions task
        n_samples: N
        tau: of beta_i = 1 / ((i + tau) Z)
    """
    beta = sample_weights(n_samples, tau=tau)
    count = np.arange(1, n_samples + 1)
    left = recall_line(count, n_samples=n_samples, tau=tau)
    reached = count * beta + left  # the error at which sample i begins to be stored; falls with i
    error = np.minimum(np.asarray(mse, dtype=float), 1.0)
    stored = np.searchsorted(-reached, -error, side="right").clip(1, n_samples)
    level = (error - left[stored - 1]) / stored
    return (np.cumsum(np.log2(beta))[stored - 1] - stored * np.log2(level)) / 2
