"""Symbols as inputs."""

import torch
from torch import Tensor


def one_hot(symbols: Tensor, n: int) -> Tensor:
    """Return one at the place of each symbol, zero elsewhere.    int64 [...] -> float32 [..., n]

    Rows of the identity: torch's own makes integers first, at several times the cost.
    """
    rows = torch.eye(n, device=symbols.device).index_select(0, symbols.flatten())
    return rows.unflatten(0, symbols.shape)
