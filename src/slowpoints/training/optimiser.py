"""The optimiser of a stack: all parameters in one [M, P] tensor, every setting a vector
over runs.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.engine.cpu import optimiser_step
from slowpoints.spec.training import TrainSettings

# of Adam (Kingma & Ba 2015); the other optimisers' constants are settings
BETA2, EPSILON = (0.999, 1e-8)
VECTOR = 32  # numbers that torch's loops take at once


class Rules(NamedTuple):
    """How the gradient of each run becomes its step.    all [M]"""

    first: Tensor  # how fast the mean of the gradient follows: 1 - beta_1
    # how fast the mean square follows: 1 - beta_2; both subtracted before they are rounded to
    # float32
    second: Tensor
    decay: Tensor  # of the weights (L2): decay * weight is added to the gradient
    clip: Tensor  # largest global norm of a gradient; 0 = none
    moves: Tensor  # 1: the mean of the gradient is followed, not the gradient
    scales: Tensor  # 1: the step is divided by the root of the mean square


def rules(trains: list[TrainSettings], device: torch.device) -> Rules:
    """Return the rules of a stack from how its runs are trained."""
    own = torch.tensor([_rule(train) for train in trains], dtype=torch.float32).reshape(
        -1, len(Rules._fields)
    )
    return Rules(*own.T.contiguous().to(device))


def _rule(train: TrainSettings) -> tuple[float, ...]:
    kind, momentum = train.optimizer, train.momentum
    beta2 = BETA2 if kind == "adam" else momentum
    moves, scales = kind in ("adam", "momentum"), kind in ("adam", "rmsprop")
    return 1 - momentum, 1 - beta2, train.decay, train.clip, float(moves), float(scales)


class Moments(NamedTuple):
    """Running means of the gradient and of its square.    both [M, P]"""

    first: Tensor
    second: Tensor


class Pace(NamedTuple):
    """How far each run goes at its own step.    both [M]"""

    # the learning rate; over what the mean of the gradient falls short of (Adam) or adds up to
    # (momentum)
    size: Tensor
    fill: Tensor  # what the mean square falls short of: Adam's second correction


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return all parameters of a stack, or their gradients, as one tensor.

    parts: [M, ...]    -> [M, P]

    P is rounded up to whole vectors with zeros: torch rounds the tail of a tensor differently, and
    where a run's numbers lie in the stack must not matter.
    """
    flat = torch.cat([part.reshape(part.shape[0], -1) for part in parts], 1)
    return pad(flat, (0, -flat.shape[1] % VECTOR))


def views(flat: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return named leaf tensors that share the memory of `flat`.

    flat: [M, P]    -> values [M, ...]
    """
    leaves, start = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        leaves[name] = flat[:, start : start + size].unflatten(1, shape).detach().requires_grad_()
        start += size
    return leaves


def pace(trains: list[TrainSettings], steps: list[int]) -> Tensor:
    """Return the two of `Pace` for runs that are at 0-based `steps` of their own training.

    -> [2, M]

    Computed run by run as Python's floats: torch's powers round differently at the end of a tensor.
    """
    own = [_pace(train, step) for train, step in zip(trains, steps, strict=True)]
    return torch.tensor(own, dtype=torch.float32).reshape(-1, 2).T.contiguous()


def _pace(train: TrainSettings, step: int) -> tuple[float, float]:
    lr = rate(train, step=step)
    if train.optimizer == "adam":
        return lr / (1 - train.momentum ** (step + 1)), 1 - BETA2 ** (step + 1)
    return (lr / (1 - train.momentum) if train.optimizer == "momentum" else lr), 1.0


def rate(train: TrainSettings, *, step: int) -> float:
    """Return the learning rate of 0-based `step`."""
    lr, lr_final, steps = train.lr, train.lr_final, train.steps
    if train.schedule == "exponential":
        return float(lr * lr_final ** (step / steps))
    if train.schedule == "drop":
        return lr * lr_final if step >= train.drop_at * steps else lr
    return lr


def update(
    flat: Tensor, grads: Sequence[Tensor], moments: Moments, own: Rules, now: Pace
) -> Tensor:
    """Take one step of every run in place and return which runs took it.

    flat: [M, P]; grads: of the parameters in their order, each [M, ...]    -> [M]
    A run whose gradient is not finite is left untouched. No run reads another's numbers. With g the
    clipped gradient:
    sgd, and path_sgd, whose gradient comes divided: -lr g; momentum: -lr v, v = mu v + g; rmsprop:
    -lr g / (sqrt(mean of g^2) + eps); adam: Kingma & Ba 2015.
    """
    if optimiser_step.runs_compiled(flat):
        return optimiser_step.Update(flat, grads, *moments, rules=own)(now)
    grad = joined(grads) + own.decay[:, None] * flat
    norm = grad.square().sum(1).sqrt()
    takes = norm.isfinite()
    scale = torch.where((own.clip > 0) & (norm > own.clip), own.clip / norm, torch.ones_like(norm))
    grad = torch.where(takes[:, None], grad * scale[:, None], torch.zeros_like(grad))
    moments.first.lerp_(grad, own.first[:, None])
    moments.second.lerp_(grad.square(), own.second[:, None])
    spread = (moments.second / now.fill[:, None]).sqrt_().add_(EPSILON)
    change = torch.where(own.moves[:, None] > 0, moments.first, grad) * now.size[:, None]
    change = torch.where(own.scales[:, None] > 0, change / spread, change)
    flat.sub_(torch.where(takes[:, None], change, torch.zeros_like(change)))
    return takes
