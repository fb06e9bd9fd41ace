"""Losses and weighted means that several tasks share."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from slowpoints.tasks._batch import Batch


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return each run's mean of `values`, answers counted by `weight`.

    What has no weight does not count, whatever it is: padding may hold an answer that is not in
    use. both [M, B, T_y] -> [M]
    """
    return torch.where(weight == 0, 0.0, values * weight).sum((1, 2)) / weight.sum((1, 2))


def mean_square(out: Tensor, batch: Batch) -> Tensor:
    """Return each run's squared error per output.    out, batch.y: [M, B, T_y, O] -> [M]"""
    return weighted_mean((out - batch.y).square().mean(-1), batch.weight)


def cross_entropy(out: Tensor, batch: Batch) -> Tensor:
    """Return each run's -log p of the outputs wanted, among those in use, in nats.

    out: [M, B, T_y, O], batch.y: [M, B, T_y] -> [M]
    """
    usable = out.masked_fill(~batch.allowed[:, None, None, :], -torch.inf)
    return -weighted_mean(at_target(usable.log_softmax(-1), batch.y), batch.weight)


def logistic(out: Tensor, batch: Batch) -> Tensor:
    """Return each run's -log p per output, each the logit of 1, in nats.

    out, batch.y: [M, B, T_y, O] -> [M]
    """
    return weighted_mean((softplus(out) - batch.y * out).mean(-1), batch.weight)


LOSSES: dict[str, Callable[[Tensor, Batch], Tensor]] = {
    "squared": mean_square,
    "cross_entropy": cross_entropy,
    "logistic": logistic,
}


def at_target(p: Tensor, y: Tensor) -> Tensor:
    """Return the entry of the wanted output.    p: [M, B, T, O], y: [M, B, T] -> [M, B, T]

    By a mask: on a GPU that has to be deterministic, the derivative of `gather` is a sorted scatter
    of dozens of kernels.
    """
    is_wanted = torch.arange(p.shape[-1], device=p.device) == y[..., None]
    return torch.where(is_wanted, p, 0.0).sum(-1)


def share_right(out: Tensor, batch: Batch) -> Tensor:
    """Return how often the largest output is the one wanted.

    out: [M, B, T_y, O], batch.y: [M, B, T_y] -> [M]
    """
    return weighted_mean((out.argmax(-1) == batch.y).float(), batch.weight)
