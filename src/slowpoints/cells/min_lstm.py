"""minLSTM (Feng et al. 2024): forget and input gate add up to one, and see the input alone.

    f_t, i_t = sigmoid(W x_t + b), b_fg added for f_t
    c_t = g(W_c x_t + b_c)
    h_t = f_t / (f_t + i_t) h_{t-1} + i_t / (f_t + i_t) c_t

The function g is that of min_gru.
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

    @cell(streams=("forget", "input", "candidate"), recurrent=False, keep=("forget",))
    def min_lstm(p: Bundle, s: Bundle) -> tuple[Tensor]:
        f = torch.sigmoid(p.forget)
        i = torch.sigmoid(p.input)
        return ((f * s.h + i * g(p.candidate)) / (f + i),)

    return min_lstm
