"""minGRU (Feng et al. 2024): gate and candidate see the input alone, so no state waits for a matmul
of the last one.

    u_t = sigmoid(W_u x_t + b_u)
    c_t = g(W_c x_t + b_c)
    h_t = u_t h_{t-1} + (1 - u_t) c_t

Feng et al. write z_t = 1 - u_t: the same cell. Its parallel scan needs c_t > 0 and takes g(a) = a +
1/2 for a >= 0, sigmoid(a) below: `candidate: positive`; the plain form is g(a) = a.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell, identity, positive


@dataclass(frozen=True)
class Settings:
    """The function g of the candidate."""

    candidate: Literal["linear", "positive"] = "linear"


def build(settings: Settings) -> Cell:
    """Return the cell with g set."""
    g = positive if settings.candidate == "positive" else identity

    @cell(streams=("update", "candidate"), recurrent=False, keep=("update",))
    def min_gru(p: Bundle, s: Bundle) -> tuple[Tensor]:
        u = torch.sigmoid(p.update)
        return (u * s.h + (1 - u) * g(p.candidate),)

    return min_gru
