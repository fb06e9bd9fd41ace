"""Long short-term memory without peepholes (Hochreiter & Schmidhuber 1997; Collins et al. 2017,
section 2).

    i_t, f_t, o_t = sigmoid(W h_{t-1} + W x_t + b), b_fg added for f_t
    c_t = f_t c_{t-1} + i_t tanh(W_ch h_{t-1} + W_cx x_t + b_c)
    h_t = o_t tanh(c_t)

Speed is measured on (h, tanh c), as Haviv et al. 2019 do: c itself has no scale of its own.
Departs: Collins et al. tune the nonlinearity of the candidate; here it is tanh, as in the other two
papers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell, identity


@dataclass(frozen=True)
class Settings:
    """No options."""


def build(settings: Settings) -> Cell:
    """Return the cell."""

    @cell(
        streams=("input", "forget", "candidate", "output"),
        states=("h", "c"),
        keep=("forget",),
        measure=(identity, torch.tanh),
    )
    def lstm(p: Bundle, s: Bundle) -> tuple[Tensor, Tensor]:
        i = torch.sigmoid(p.input)
        f = torch.sigmoid(p.forget)
        o = torch.sigmoid(p.output)
        c = f * s.c + i * torch.tanh(p.candidate)
        return o * torch.tanh(c), c

    return lstm
