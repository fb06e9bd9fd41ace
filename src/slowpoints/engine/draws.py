"""Random numbers that depend on a key, a step and their place alone.

Not on what else is drawn, by whom, in which order or on which device: a run alone draws what it
draws in company, a rerun continues at any step without a state to keep, and data are drawn where
the networks are. Philox4x32-10 (Salmon et al. 2011) makes the words; what is made of them is
written here in torch, the reference, and again for a CPU and for a GPU.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from slowpoints.engine.cpu.drawing import drawn_on_cpu
from slowpoints.engine.gpu.drawing import drawn_on_gpu

CPU = torch.device("cpu")
LANES = 16  # blocks side by side: a word of each comes before the next word
WORD = 0xFFFFFFFF
FACTORS = (0xD2511F53, 0xCD9E8D57)  # Philox's, and what its keys grow by in a round
GROWTH = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

Kind = Literal["uniform", "uniform64", "normal"]


class Draws:
    """The random numbers of S streams, in one call.

    The first axis of what is drawn is shared among them: a call for 64 rows of two streams gives
    the first 32 rows of each. Every call is another draw.
    """

    def __init__(
        self, keys: Sequence[int], *, steps: Sequence[int] = (), device: torch.device = CPU
    ) -> None:
        """Begin with the first draw.

        keys: of each stream, up to 64 bits; steps: at which each stands, 0 without
        """
        self.device = device
        steps = steps or [0] * len(keys)
        self.keys = torch.tensor([_signed(key) for key in keys]).to(device)
        self.steps = torch.tensor([_signed(step) for step in steps]).to(device)
        self._n_draws = 0

    def random(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return numbers in [0, 1): multiples of 2^-24, or of 2^-53 for float64.    -> shape"""
        kinds: dict[torch.dtype, Kind] = {torch.float32: "uniform", torch.float64: "uniform64"}
        if dtype not in kinds:
            raise ValueError(
                f"random numbers of {dtype}; there are torch.float32 and torch.float64"
            )
        return self._drawn(kinds[dtype], shape)

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        """Return normal numbers, float32, within 5.9 standard deviations.    -> shape"""
        return self._drawn("normal", shape, mean, std)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Tensor:
        """Return whole numbers from low on, below high, int64.

        -> shape

        high - low: below 2^53
        """
        if not 0 < high - low < 2**53:
            raise ValueError(f"integers from {low} below {high}: there must be 1 to 2^53 - 1")
        share = self._drawn("uniform64", shape)
        return share.mul_(high - low).floor_().long().add_(low)

    def _drawn(
        self, kind: Kind, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0
    ) -> Tensor:
        n_streams, size = len(self.keys), math.prod(shape)
        if shape[0] % n_streams:
            raise ValueError(
                f"{shape[0]} rows are drawn for {n_streams} streams at once; the first axis of "
                "what a task draws must be its sequences: a multiple of them"
            )
        own = (self.keys, self.steps, self._n_draws)
        self._n_draws += 1
        found = drawn_on_cpu(kind, *own, size // n_streams, mean, std)
        if found is None:
            found = drawn_on_gpu(kind, *own, size // n_streams, mean, std)
        if found is None:
            found = reference(kind, *own, size // n_streams, mean, std)
        return found.view(shape)


def _signed(value: int) -> int:
    """Return 64 bits as torch holds them."""
    return (value & 2**64 - 1) - (value >> 63 & 1) * 2**64


def reference(
    kind: Kind, keys: Tensor, steps: Tensor, draw: int, n: int, mean: float, std: float
) -> Tensor:
    """Return n numbers of each stream.    keys, steps: [S] -> [S, n]"""
    per_block = 2 if kind == "uniform64" else 4
    n_blocks = LANES * -(-n // (LANES * per_block))
    block = torch.arange(n_blocks, device=keys.device).expand(len(keys), -1)
    step = steps[:, None].expand_as(block)
    counter = (block, torch.full_like(block, draw), step & WORD, step >> 32 & WORD)
    words = philox(counter, (keys[:, None] & WORD, keys[:, None] >> 32 & WORD))
    if kind == "normal":
        made = [*_pair(*words[:2], mean, std), *_pair(*words[2:], mean, std)]
    elif kind == "uniform":
        made = [(word >> 8).float() * 2.0**-24 for word in words]
    else:
        made = [_double(*words[:2]), _double(*words[2:])]
    lanes = torch.stack([value.unflatten(1, (-1, LANES)) for value in made], 2)
    return lanes.flatten(1)[:, :n].contiguous()


def philox(
    counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return four words of 32 bits for every counter, all in int64."""
    a, b, c, d = counter
    for i in range(ROUNDS):
        first, second = a * FACTORS[0], c * FACTORS[1]  # 64 bits, perhaps of the wrong sign
        keys = [(own + i * growth) & WORD for own, growth in zip(key, GROWTH, strict=True)]
        a, c = (second >> 32 & WORD) ^ b ^ keys[0], (first >> 32 & WORD) ^ d ^ keys[1]
        b, d = second & WORD, first & WORD
    return a, b, c, d


def _pair(u: Tensor, v: Tensor, mean: float, std: float) -> tuple[Tensor, Tensor]:
    """Return two independent normal numbers (Box & Muller 1958)."""
    share = ((u >> 8).float() + 0.5) * 2.0**-24
    turn = ((v ^ 2**31) - 2**31).float() * (math.pi * 2.0**-31)
    radius = std * (-2.0 * share.log()).sqrt()
    return mean + radius * turn.cos(), mean + radius * turn.sin()


def _double(u: Tensor, v: Tensor) -> Tensor:
    """Return numbers in [0, 1) from 27 and 26 bits."""
    return ((u >> 5).double() * 2.0**26 + (v >> 6).double()) * 2.0**-53
