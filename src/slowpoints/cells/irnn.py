"""Identity RNN (Le et al. 2015; Collins et al. 2017, section 2): ReLU, and memory as the starting
point.

h_t = relu(W_h h_{t-1} + W_x x_t + b_h),    W_h = 1 at the start
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell

RECTIFIED: dict[str, str] = {}


@dataclass(frozen=True)
class Settings:
    """No options: the nonlinearity and the recurrent initialisation define the cell."""


def build(settings: Settings) -> Cell:
    """Return the cell."""

    @cell(streams=("state",), recurrent_identity=True)
    def irnn(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (torch.relu(p.state),)

    return irnn
