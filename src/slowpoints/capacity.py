"""How much a network holds: bits in its parameters, numbers in its units (Collins et al. 2017)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mutual_information(n_labels: ArrayLike, accuracy: ArrayLike) -> NDArray[np.float64]:
    """Return I = b + b (p log2 p + (1 - p) log2(1 - p)), bits stored about b binary labels, a share p right.

    Departs: p below one half counts as one half. On a stored set that is chance, and the formula, symmetric
    in p and 1 - p, would pay for it.
    """
    b, p = np.asarray(n_labels, dtype=float), np.asarray(accuracy, dtype=float)
    if np.any((p < 0) | (p > 1)):
        raise ValueError("accuracy must lie in 0..1 (a share, not a percentage)")
    p = np.maximum(p, 0.5)
    wrong = 1 - p
    entropy = -p * np.log2(p) - wrong * np.log2(np.where(wrong > 0, wrong, 1.0))  # 0 log 0 = 0
    return b * (1 - entropy)


def bits_held(accuracy: ArrayLike) -> np.float64:
    """Return the sum over fair bits of 1 - H(error), given the share of right answers to each.    accuracy: [O]"""
    return np.float64(mutual_information(1.0, accuracy).sum())


def soft_bits(n_labels: ArrayLike, soft_bits_per_label: ArrayLike) -> NDArray[np.float64]:
    """Return b (1 - cross-entropy in bits), at least zero: whoever reads the network may ignore it.

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
