"""Intersection RNN, "+RNN" (Collins et al. 2017, section 2): a gated path in depth and one in time.

    y'_t = relu(W_yh h_{t-1} + W_yx x_t + b_y)
    h'_t = tanh(W_hh h_{t-1} + W_hx x_t + b_h)
    a_t  = sigmoid(W_ah h_{t-1} + W_ax x_t + b_a + b_fg)
    g_t  = sigmoid(W_gh h_{t-1} + W_gx x_t + b_g + b_fg)
    y_t  = a_t x_t + (1 - a_t) y'_t          goes to the next layer
    h_t  = g_t h_{t-1} + (1 - g_t) h'_t      goes to the next step

x_t and y_t must be equally wide, so layer 1 sees an affine embedding of the input. The paper uses
two layers or more; one layer runs here too. The two b_fg are `keep_bias: {output_gate: ..., gate:
...}`; one number is for both.
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
    affine = ("output", "candidate", "output_gate", "gate")

    @cell(
        streams=(*affine, Stream("x", affine=False)),
        projections=affine,
        keep=("output_gate", "gate"),
        emitted=1,
        embeds=True,
    )
    def intersection_rnn(p: Bundle, s: Bundle) -> tuple[Tensor, Tensor]:
        a = torch.sigmoid(p.output_gate)
        g = torch.sigmoid(p.gate)
        y = a * p.x + (1 - a) * torch.relu(p.output)
        h = g * s.h + (1 - g) * torch.tanh(p.candidate)
        return h, y

    return intersection_rnn
