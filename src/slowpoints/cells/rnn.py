"""Plain recurrent network (Elman 1990; Collins et al. 2017, section 2).

h_t = s(W_h h_{t-1} + W_x x_t + b_h)
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from slowpoints.cells.definition import ACTIVATIONS, Bundle, Cell, cell

RECTIFIED = {"activation": "relu"}
NEVER = {
    "recurrent_init": {"identity": "that is cell irnn (Collins et al. 2017 keep the two apart)"}
}


@dataclass(frozen=True)
class Settings:
    """The nonlinearity s."""

    activation: Literal["tanh", "relu"] = "tanh"


def build(settings: Settings) -> Cell:
    """Return the cell with the nonlinearity set."""
    activation = ACTIVATIONS[settings.activation]

    @cell(streams=("state",))
    def rnn(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (activation(p.state),)

    return rnn
