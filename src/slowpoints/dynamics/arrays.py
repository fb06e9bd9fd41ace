"""Arrays from outside: what is no array of states is refused in words."""

from typing import Any

import torch
from torch import Tensor


def real(given: Any, *, name: str) -> Tensor:
    """Return a tensor of numbers that are not complex; numpy arrays are taken too."""
    x = torch.as_tensor(given)
    if x.is_complex():
        raise TypeError(f"{name} holds {x.dtype}; give real numbers")
    return x


def states(given: Any, *, name: str) -> Tensor:
    """Return states [..., N, S] without their graph; numpy arrays are taken too.

    Raises TypeError for numbers that are not floating-point, ValueError for a single state [S].
    """
    x = torch.as_tensor(given).detach()
    if not x.is_floating_point():
        raise TypeError(f"{name} holds {x.dtype}; give floating-point numbers, best float64")
    if x.dim() < 2:
        raise ValueError(
            f"{name} has shape {list(x.shape)}; give states [N, S], a single one as [1, S]"
        )
    if not x.shape[-1]:
        raise ValueError(f"{name} has shape {list(x.shape)}: states of no numbers")
    return x


def finite(x: Tensor, *, name: str) -> Tensor:
    """Return x; rows with NaN or infinite numbers are an error.    x: [N, S]"""
    bad = (~x.isfinite().all(-1)).nonzero().flatten().tolist()
    if bad:
        raise ValueError(
            f"{name}: {len(bad)} of {len(x)} states are not finite, the first in row {bad[0]}"
        )
    return x
