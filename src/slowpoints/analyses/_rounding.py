"""Weights as they would be stored in fewer bits, after training."""

import torch
from torch import Tensor

SHARES = 200  # ranges tried per tensor, evenly from its largest weight down


def bfloat16(w: Tensor) -> Tensor:
    """Return the weights rounded to bfloat16, in their own type.    [M, ...] -> [M, ...]"""
    return w.bfloat16().to(w.dtype)


def quantised(w: Tensor, *, bits: int) -> Tensor:
    """Return the weights rounded to the nearest of 2**bits evenly spaced levels, a grid per
    network.

    [M, ...]

    The levels are symmetric about zero, which lies half-way between two of them: ±½, ±1½ ... times
    a step. Of SHARES steps the one with the least squared error is taken; at the first of them the
    outermost level is the largest weight, smaller ones cut off the largest weights.
    """
    rows = w.flatten(1).double()
    outer = 2 ** (bits - 1) - 0.5
    full = rows.abs().amax(1, keepdim=True) / outer
    best, least = rows, torch.full_like(full, torch.inf)
    for share in range(SHARES, 0, -1):
        found = _nearest(rows, full * (share / SHARES), outer=outer)
        error = (found - rows).square().sum(1, keepdim=True)
        best, least = torch.where(error < least, found, best), torch.minimum(error, least)
    return best.to(w.dtype).reshape(w.shape)


def _nearest(w: Tensor, step: Tensor, *, outer: float) -> Tensor:
    """Return the level nearest to each weight.    w: [M, n]; step: [M, 1] -> [M, n]"""
    level = torch.floor(w / step.clamp_min(torch.finfo(w.dtype).tiny)) + 0.5
    return level.clamp(-outer, outer) * step
