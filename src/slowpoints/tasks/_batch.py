"""Sequences with what is asked of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Sequences and what is asked in their last T_y steps.

    In a stack every field of numbers leads with M.
    """

    x: Tensor  # [B, T_x, I]
    y: Tensor  # [B, T_y, O] numbers wanted, or [B, T_y] index of the output wanted
    weight: Tensor  # [B, T_y] how much each answer counts; rows of zeros are padding
    allowed: Tensor  # [O] outputs that are in use
    silent: int = 0  # steps after the T_x given ones, at which the input is zero

    @property
    def n_steps(self) -> int:
        """Return the length of the sequences, silent steps included."""
        return self.x.shape[-2] + self.silent

    def rows(self, own: slice) -> "Batch":
        """Return some runs of a stack."""
        x, y, weight = self.x[own], self.y[own], self.weight[own]
        return Batch(x, y, weight, self.allowed[own], self.silent)


def stacked(batches: Sequence[Batch]) -> Batch:
    """Return the batches of M runs as one, M first.

    Shorter ones are filled up with rows of weight zero.
    """
    rows = max(len(batch.x) for batch in batches)
    fields: list[Any] = list(zip(*batches, strict=True))
    x, y, weight = (torch.stack([_filled(part, rows) for part in parts]) for parts in fields[:3])
    return Batch(x, y, weight, torch.stack([batch.allowed for batch in batches]), batches[0].silent)


def _filled(part: Tensor, rows: int) -> Tensor:
    """Return `part` with rows of zeros appended up to `rows`.    part: [B, ...] -> [rows, ...]"""
    missing = rows - len(part)
    return torch.cat([part, part.new_zeros(missing, *part.shape[1:])]) if missing else part
