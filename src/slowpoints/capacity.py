"""How much a network holds: bits in its parameters, numbers in its units (Collins et al. 2017)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mutual_information(n_labels: ArrayLike, accuracy: ArrayLike, *, n_classes: int = 2) -> NDArray[np.float64]:
    """Return I = b (log2 K + p log2 p + (1 - p) log2((1 - p) / (K - 1))), bits stored about b labels, a share p right.

    With K = 2 classes it is the paper's; K > 2 is ours, wrong answers taken as equally likely.
    Departs: p below chance, 1/K, counts as chance. For two classes the formula is symmetric in p and 1 - p,
    and would pay for it.
    """
    b, p = np.asarray(n_labels, dtype=float), np.asarray(accuracy, dtype=float)
    if np.any((p < 0) | (p > 1)):
        raise ValueError("accuracy must lie in 0..1 (a share, not a percentage)")
    p = np.maximum(p, 1 / n_classes)
    wrong = 1 - p
    entropy = -p * np.log2(p) - wrong * np.log2(np.where(wrong > 0, wrong / (n_classes - 1), 1.0))  # 0 log 0 = 0
    return b * (np.log2(n_classes) - entropy)


def soft_bits(n_labels: ArrayLike, soft_bits_per_label: ArrayLike) -> NDArray[np.float64]:
    """Return b (log2 K - cross-entropy in bits), at least zero: whoever reads the network may ignore it.

    This lower bound of the stored information is what compression measures report, not the paper's score.
    """
    return np.asarray(n_labels, dtype=float) * np.maximum(0.0, np.asarray(soft_bits_per_label, dtype=float))


def bits_per_parameter(bits: ArrayLike, *, n_parameters: ArrayLike) -> NDArray[np.float64]:
    """Return the stored bits divided by the number of trained parameters."""
    return np.asarray(bits, dtype=float) / np.asarray(n_parameters, dtype=float)


def throughput_line(n_units: ArrayLike, *, n_in: int) -> NDArray[np.float64]:
    """Return max(0, 1 - n / n_in), the squared error per dimension when n units keep one number each."""
    return np.maximum(0.0, 1 - np.asarray(n_units, dtype=float) / n_in)


def numbers_per_unit(mse: ArrayLike, *, n_units: ArrayLike, n_in: int) -> NDArray[np.float64]:
    """Return n_in (1 - mse) / n, the real numbers each of n units kept; mse is per dimension."""
    return n_in * (1 - np.asarray(mse, dtype=float)) / np.asarray(n_units, dtype=float)
