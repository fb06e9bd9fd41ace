"""Minimal gated unit (Zhou et al. 2016): one gate both resets and updates.

    f_t = sigmoid(W_f [h_{t-1}, x_t] + b_f)
    c_t = tanh(W_h [f_t h_{t-1}, x_t] + b_h)
    h_t = (1 - f_t) h_{t-1} + f_t c_t

The gate multiplies the candidate, so no bias of it means "remember": keep_bias has nothing to act
on.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell


@dataclass(frozen=True)
class Settings:
    """No options."""


def build(settings: Settings) -> Cell:
    """Return the cell."""

    def read(p: Bundle, s: Bundle) -> Tensor:
        return torch.sigmoid(p.forget) * s.h

    @cell(streams=("forget", "candidate"), second=("candidate",), read=read)
    def mgu(p: Bundle, s: Bundle) -> tuple[Tensor]:
        f = torch.sigmoid(p.forget)
        return ((1 - f) * s.h + f * torch.tanh(p.candidate),)

    return mgu
