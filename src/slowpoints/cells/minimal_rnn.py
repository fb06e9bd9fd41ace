"""MinimalRNN (Chen 2017): the input is first mapped to the space of states; a gate mixes it in.

z_t = tanh(W_x x_t + b_z)
u_t = sigmoid(U_h h_{t-1} + U_z z_t + b_u)
h_t = u_t h_{t-1} + (1 - u_t) z_t
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, Stream, cell


@dataclass(frozen=True)
class Settings:
    """No options."""


def build(settings: Settings) -> Cell:
    """Return the cell."""

    @cell(
        streams=(Stream("z", through=torch.tanh), Stream("update", of="z")),
        projections=("update",),
        keep=("update",),
    )
    def minimal_rnn(p: Bundle, s: Bundle) -> tuple[Tensor]:
        u = torch.sigmoid(p.update)
        return (u * s.h + (1 - u) * p.z,)

    return minimal_rnn
