"""Prototypical recurrent unit (Long, Zhang & Mao 2016/2018).

One gate, and a map from state to output.

    u_t = tanh(W_u x_t + U_u s_{t-1} + b_u)
    c_t = sigmoid(W_c x_t + U_c s_{t-1} + b_c)
    s_t = c_t s_{t-1} + (1 - c_t) u_t
    y_t = tanh(W_y s_t + b_y)

With the identity as output map this is the update-gate RNN with tanh, parameter for parameter.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell


@dataclass(frozen=True)
class Settings:
    """The output map: an affine map through tanh, or none."""

    output_map: Literal["tanh", "identity"] = "tanh"


def build(settings: Settings) -> Cell:
    """Return the cell with the output map set."""

    @cell(streams=("candidate", "gate"), keep=("gate",), output_map=settings.output_map == "tanh")
    def pru(p: Bundle, s: Bundle) -> tuple[Tensor]:
        u = torch.tanh(p.candidate)
        c = torch.sigmoid(p.gate)
        return (c * s.h + (1 - c) * u,)

    return pru
