"""Weighted means that several tasks share."""

from torch import Tensor

from slowpoints.tasks import Batch


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return each run's mean of `values`, answers counted by `weight`.    both [M, B, T_y] -> [M]"""
    return (values * weight).sum((1, 2)) / weight.sum((1, 2))


def mean_square(out: Tensor, batch: Batch) -> Tensor:
    """Return each run's squared error per output.    out, batch.y: [M, B, T_y, O] -> [M]"""
    return weighted_mean((out - batch.y).square().mean(-1), batch.weight)
