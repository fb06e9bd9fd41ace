"""The optimiser of a stack: all parameters in one [M, P] tensor, every setting a vector over runs."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Kingma & Ba 2015
VECTOR = 32  # numbers that torch's loops take at once
DROP_AT = 6 / 7  # Haviv et al. 2019: MNIST networks drop the rate at step 120,000 of 140,000


class Moments(NamedTuple):
    """Adam's state of a stack, and which runs still learn.    first, second: [M, P]; active: [M]"""

    first: Tensor
    second: Tensor
    active: Tensor


def flatten(params: dict[str, Tensor]) -> Tensor:
    """Return all parameters of a stack as one tensor.    values of params: [M, ...]    -> [M, P]

    P is rounded up to whole vectors with zeros: torch rounds the tail of a tensor differently, and where a run's
    numbers lie in the stack must not matter.
    """
    flat = torch.cat([p.reshape(p.shape[0], -1) for p in params.values()], 1)
    return pad(flat, (0, -flat.shape[1] % VECTOR))


def views(flat: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return named leaf tensors that share the memory of `flat`.    flat: [M, P]    -> values [M, ...]"""
    leaves, start = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        leaves[name] = flat[:, start : start + size].unflatten(1, shape).detach().requires_grad_()
        start += size
    return leaves


def rate(schedule: str, *, lr: float, lr_final: float, step: int, steps: int) -> float:
    """Return the learning rate of 0-based `step`."""
    if schedule == "exponential":
        return float(lr * lr_final ** (step / steps))
    if schedule == "drop":
        return lr * lr_final if step >= DROP_AT * steps else lr
    return lr


def adam(flat: Tensor, grad: Tensor, moments: Moments, *, step: int, lr: Tensor, clip: Tensor) -> Tensor:
    """Take one clipped Adam step in place and return which runs took it.

    flat, grad: [M, P]; lr, clip: [M] (clip = largest global gradient norm of a run, 0 = none); step: 0-based.    -> [M]
    A run whose gradient is not finite is left untouched. No run reads another's numbers.
    """
    norm = grad.square().sum(1).sqrt()
    takes = moments.active & norm.isfinite()
    scale = torch.where((clip > 0) & (norm > clip), clip / norm, torch.ones_like(norm))
    grad = torch.where(takes[:, None], grad * scale[:, None], torch.zeros_like(grad))
    moments.first.lerp_(grad, 1 - BETA1)
    moments.second.mul_(BETA2).addcmul_(grad, grad, value=1 - BETA2)
    size = lr / (1 - BETA1 ** (step + 1))
    spread = (moments.second / (1 - BETA2 ** (step + 1))).sqrt_().add_(EPSILON)
    change = moments.first / spread * size[:, None]
    flat.sub_(torch.where(takes[:, None], change, torch.zeros_like(change)))
    return takes
