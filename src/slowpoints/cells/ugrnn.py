"""Update-gate RNN (Collins et al. 2017, section 2): one gate, the candidate fills what it frees.

c_t = s(W_ch h_{t-1} + W_cx x_t + b_c)
g_t = sigmoid(W_gh h_{t-1} + W_gx x_t + b_g + b_fg)
h_t = g_t h_{t-1} + (1 - g_t) c_t
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

    @cell(streams=("candidate", "gate"), keep=("gate",))
    def ugrnn(p: Bundle, s: Bundle) -> tuple[Tensor]:
        c = activation(p.candidate)
        g = torch.sigmoid(p.gate)
        return (g * s.h + (1 - g) * c,)

    return ugrnn
