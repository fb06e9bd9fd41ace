"""Text (Collins et al. 2017, text8; Fig. 3a-d): name the next character of English from those
before.

Every sequence starts anywhere in the text, with no state carried over; its first steps only warm
the state up.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from slowpoints import data
from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import cross_entropy, share_right
from slowpoints.tasks._symbols import one_hot

METRICS = ("bits_per_character", "accuracy")  # what `score` returns
N_SYMBOLS = 27  # space, a to z
# Departs: our reconstruction, of any text
SECTIONS = {"train": (0.0, 0.9), "valid": (0.9, 0.95), "test": (0.95, 1.0)}
SOLVED_BITS = 1.0  # about the entropy of printed English (Shannon 1951): hardly to be reached
PER_100_000 = (  # how often each symbol stands in the training section of text8-1m
    16696,
    7120,
    1125,
    2862,
    2838,
    10254,
    1873,
    1651,
    3763,
    6605,
    121,
    401,
    3539,
    2049,
    6472,
    6579,
    1648,
    72,
    5460,
    5610,
    7107,
    2163,
    980,
    1209,
    262,
    1233,
    308,
)


@dataclass(frozen=True)
class Settings:
    """Which text, how much of it at a time, and how much of that is not asked."""

    dataset: Literal["text8-1m", "text8-prefix", "text8"] = "text8-1m"
    n_steps: int = 50
    n_warm: int = 13  # first steps, after which no character is asked

    def __post_init__(self) -> None:
        """Refuse unknown texts, and sequences of which nothing is asked."""
        known = ("text8-1m", "text8-prefix", "text8")
        if self.dataset not in known:
            raise ValueError(
                f"text: dataset is {self.dataset!r}; must be one of {', '.join(known)}"
            )
        if not 0 <= self.n_warm < self.n_steps:
            raise ValueError(
                f"text: n_warm is {self.n_warm}; must lie in 0..n_steps - 1 = {self.n_steps - 1}"
            )


def n_in(s: Settings) -> int:
    """Return the number of input channels, one per symbol."""
    return N_SYMBOLS


def n_out(s: Settings) -> int:
    """Return the number of outputs, one per symbol."""
    return N_SYMBOLS


def n_read(s: Settings) -> int:
    """Return the number of steps asked: all after the warm-up."""
    return s.n_steps - s.n_warm


def world(
    s: Settings, *, n_parameters: int, rng: Draws, data_dir: Path | None
) -> dict[str, Tensor]:
    """Return the symbols by split; read once per process, the same tensors for every run.

    -> values [n], uint8
    """
    return _sections(s.dataset, data_dir, rng.device)


@lru_cache(maxsize=2)
def _sections(dataset: str, data_dir: Path | None, device: torch.device) -> dict[str, Tensor]:
    """Return the symbols of the first 90 %, the next 5 and the last 5 % of a text."""
    text = torch.from_numpy(data.load_text(dataset, data_dir=data_dir)).to(device)
    cuts = {
        split: (round(a * len(text)), round(b * len(text))) for split, (a, b) in SECTIONS.items()
    }
    return {split: text[first:end] for split, (first, end) in cuts.items()}


def sample(s: Settings, world: dict[str, Tensor], *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return pieces of a section, from uniform places, with the next characters wanted after the
    warm-up.
    """
    text = world[split]
    start = rng.integers(0, len(text) - s.n_steps, (batch, 1))
    symbols = text[start + torch.arange(s.n_steps + 1, device=rng.device)].long()
    x = one_hot(symbols[:, :-1], N_SYMBOLS)
    weight = x.new_ones(batch, n_read(s))
    return Batch(x, symbols[:, s.n_warm + 1 :], weight, x.new_ones(N_SYMBOLS, dtype=torch.bool))


def loss_kind(s: Settings) -> str:
    """Return how a miss of the next character is measured."""
    return "cross_entropy"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the cross-entropy in bits, and the share of right guesses.

    out: [M, B, T_y, O] -> [M]
    """
    return {
        "bits_per_character": cross_entropy(out, batch) / math.log(2),
        "accuracy": share_right(out, batch),
    }


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs know the text as well as a reader does.    [M]"""
    return score["bits_per_character"] < SOLVED_BITS


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input.

    How often each symbol stands in the text, as logarithms.

    [O]

    The counts are those of text8-1m, for the other texts, which it begins, too.
    """
    return torch.tensor(PER_100_000).log()


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`.

    The entropy of the single symbols, and the share of spaces.
    """
    share = [count / sum(PER_100_000) for count in PER_100_000]
    return {"bits_per_character": -sum(p * math.log2(p) for p in share), "accuracy": max(share)}
