"""Where to search: the range of the states that were visited."""

from typing import Any

import torch
from torch import Tensor

from slowpoints.dynamics import arrays


def reachable(visited: Any, *, margin: float = 0.5) -> tuple[Tensor, Tensor]:
    """Return the range of visited states, wider by a share of itself at both ends.

    Without a box a gated network, most of all an LSTM, has spurious points: where its gates
    saturate, far outside of what it ever reaches, it barely moves.

    Args:
        visited: [N, S], of one network; a tensor or a numpy array
        margin: the share

    Returns:
        lower and upper, each [S]. Directions in which no state differs get the mean room of all.

    Raises:
        ValueError: no states, states that are not finite, or states that are all equal.
    """
    visited = arrays.finite(arrays.states(visited, name="visited"), name="visited")
    if visited.dim() != 2 or not len(visited):
        raise ValueError(
            f"visited has shape {list(visited.shape)}; give states [N, S] of one network, "
            "at least one"
        )
    low, high = visited.min(0).values, visited.max(0).values
    if not (high > low).any():
        raise ValueError(
            f"visited: all {len(visited)} states are equal, so there is no range to search in"
        )
    extent = high - low
    room = margin * torch.where(extent > 0, extent, extent.mean())
    return low - room, high + room
