"""Linear recurrent unit (Orvieto et al. 2023): a complex number per unit, which shrinks and turns.

    s_t = L s_{t-1} + e^gamma (B x_t + b),    L = exp(-e^nu + i e^theta)
    y_t = tanh(Re(C s_t) + b_y)

At the start L is spread evenly over a ring: r_min <= |L| <= r_max, phase up to `max_phase`; e^gamma
    = sqrt(1 - |L|^2).
The state is two real ones, Re s and Im s; so is B: the streams re and im. C is the output map,
    which sees both.
Departs: tanh in place of the block of the paper (skip connection D x, gated linear unit,
    normalisation), a bias b, and
the matrices start as everywhere here.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from slowpoints.cells.definition import Bundle, Cell, Stream, cell


@dataclass(frozen=True)
class Settings:
    """The ring on which L starts."""

    r_min: float = 0.0
    r_max: float = 1.0
    max_phase: float = 6.28

    def __post_init__(self) -> None:
        """Refuse what is no ring in the unit disc."""
        if not 0 <= self.r_min < self.r_max <= 1:
            raise ValueError(
                f"lru: needs 0 <= r_min < r_max <= 1, found {self.r_min} and {self.r_max}"
            )
        if self.max_phase <= 0:
            raise ValueError(f"lru: max_phase must be positive, found {self.max_phase}")


def build(settings: Settings) -> Cell:
    """Return the cell."""
    constants = (
        Stream("nu", of="nothing", through=_shrinking),
        Stream("theta", of="nothing", through=torch.exp),
        Stream("cos", of="theta", affine=False, through=torch.cos),
        Stream("sin", of="theta", affine=False, through=torch.sin),
        Stream("gamma", of="nothing", through=torch.exp),
    )

    @cell(
        streams=("re", "im", *constants),
        projections=("re", "im"),
        recurrent=False,
        states=("re", "im"),
        output_map=True,
        emitted=2,
        start=partial(_ring, settings),
    )
    def lru(p: Bundle, s: Bundle) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        re = p.nu * (p.cos * s.re - p.sin * s.im) + p.gamma * p.re
        im = p.nu * (p.sin * s.re + p.cos * s.im) + p.gamma * p.im
        return re, im, re, im

    return lru


def _shrinking(nu: Tensor) -> Tensor:
    """Return |L|."""
    return torch.exp(-torch.exp(nu))


def _ring(settings: Settings, units: int, rng: Generator) -> dict[str, Tensor]:
    """Return nu, theta and gamma for L spread evenly over the ring.    each [H]"""
    area, turn = torch.rand(2, units, generator=rng, dtype=torch.float64)
    inner, outer = settings.r_min**2, settings.r_max**2
    square = inner + (outer - inner) * area  # |L|^2
    start = {
        "nu": torch.log(-0.5 * torch.log(square)),
        "theta": math.log(settings.max_phase) + torch.log(turn),
        "gamma": 0.5 * torch.log1p(-square),
    }
    return {name: value.float() for name, value in start.items()}
