"""Gated recurrent unit, reset before the matmul (Cho et al. 2014; Collins et al. 2017, section 2).

    r_t = sigmoid(W_rh h_{t-1} + W_rx x_t + b_r)
    u_t = sigmoid(W_uh h_{t-1} + W_ux x_t + b_u + b_fg)
    c_t = s(W_ch (r_t h_{t-1}) + W_cx x_t + b_c)
    h_t = u_t h_{t-1} + (1 - u_t) c_t

Haviv et al. 2019 write z_t = 1 - u_t: the same cell. `torch.nn.GRU` resets after the matmul:
another one.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slowpoints.cells.definition import ACTIVATIONS, Bundle, Cell, cell


@dataclass(frozen=True)
class Settings:
    """The nonlinearity s of the candidate."""

    activation: Literal["tanh", "relu"] = "tanh"


def build(settings: Settings) -> Cell:
    """Return the cell with the nonlinearity set."""
    activation = ACTIVATIONS[settings.activation]

    def read(p: Bundle, s: Bundle) -> Tensor:
        return torch.sigmoid(p.reset) * s.h

    @cell(
        streams=("reset", "update", "candidate"), second=("candidate",), read=read, keep=("update",)
    )
    def gru(p: Bundle, s: Bundle) -> tuple[Tensor]:
        u = torch.sigmoid(p.update)
        c = activation(p.candidate)
        return (u * s.h + (1 - u) * c,)

    return gru
