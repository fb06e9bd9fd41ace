"""Arithmetic (Collins et al. 2017, Fig. 4): read a sum as characters, write its value.

"-343243+93851=" is read from the first step on; some steps after "=" comes "-249392", spaces
everywhere else. Departs: the paper shows this example; that a negative second number is written
"5+-7=", and that the loss counts every step alike, is our reconstruction.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import cross_entropy, share_right
from slowpoints.tasks._symbols import one_hot

METRICS = ("cross_entropy", "accuracy", "exact")  # what `score` returns
PER_RUN: tuple[str, ...] = ("n_compute",)
SYMBOLS = "0123456789- +="  # inputs; outputs are the first twelve
MINUS = 10
SPACE = 11
PLUS = 12
EQUALS = 13
N_OUT = 12
SOLVED_EXACT = 0.99


@dataclass(frozen=True)
class Settings:
    """How large the numbers are, how long there is to compute, and how long the sequence is."""

    n_digits: int = 7  # numbers are uniform in -10**n_digits .. 10**n_digits
    n_compute: int = 1  # steps between "=" and the first character of the answer
    n_steps: int = 36

    def __post_init__(self) -> None:
        """Refuse sums that do not fit the sequence or 64 bits."""
        if not 1 <= self.n_digits <= 15:
            raise ValueError(f"arithmetic: n_digits is {self.n_digits}; must lie in 1..15")
        if self.n_compute < 1:
            raise ValueError(f"arithmetic: n_compute is {self.n_compute}; must be at least 1")
        # three numbers with sign, "+" and "="
        longest = 3 * (self.n_digits + 2) + 2 + self.n_compute
        if self.n_steps < longest:
            raise ValueError(
                f"arithmetic: n_steps is {self.n_steps}; the longest sum needs {longest}"
            )


def n_in(s: Settings) -> int:
    """Return the number of input channels, one per symbol."""
    return len(SYMBOLS)


def n_out(s: Settings) -> int:
    """Return the number of outputs: digits, minus, space."""
    return N_OUT


def n_read(s: Settings) -> int:
    """Return the number of steps asked: all."""
    return s.n_steps


def sample(s: Settings, world: None, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return sums of two random numbers, and their values; splits differ by `rng` alone."""
    largest = 10**s.n_digits
    a, b = (rng.integers(-largest, largest + 1, (batch,)) for _ in range(2))
    asked, answer = written(s, a, b)
    x = one_hot(asked, len(SYMBOLS))
    return Batch(x, answer, x.new_ones(batch, s.n_steps), x.new_ones(N_OUT, dtype=torch.bool))


def written(s: Settings, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the symbols of "a+b=" and of its value in their places.    a, b: [B] -> both [B, T]"""
    (first, n_first), (second, n_second), (value, _) = (
        _spelled(n, width=s.n_digits + 2) for n in (a, b, a + b)
    )
    asked = torch.full((len(a), s.n_steps), SPACE, device=a.device)
    asked = _put(asked, first, at=torch.zeros_like(a))
    asked = _put(asked, torch.full_like(a, PLUS)[:, None], at=n_first)
    asked = _put(asked, second, at=n_first + 1)
    end = n_first + n_second + 1
    asked = _put(asked, torch.full_like(a, EQUALS)[:, None], at=end)
    return asked, _put(torch.full_like(asked, SPACE), value, at=end + 1 + s.n_compute)


def _spelled(n: Tensor, *, width: int) -> tuple[Tensor, Tensor]:
    """Return the symbols of n from the left, then spaces, and how many they are.

    n: [B] -> [B, width], [B]
    """
    powers = 10 ** torch.arange(width, device=n.device)
    is_negative = (n < 0).long()
    length = (n.abs()[:, None] >= powers[1:]).sum(1) + 1 + is_negative
    # the power of ten that stands here
    place = length[:, None] - 1 - torch.arange(width, device=n.device)
    digits = n.abs()[:, None] // powers[place.clamp(min=0)] % 10
    symbols = torch.where(place < 0, SPACE, digits)
    symbols[:, 0] = torch.where(n < 0, MINUS, symbols[:, 0])
    return symbols, length


def _put(line: Tensor, symbols: Tensor, *, at: Tensor) -> Tensor:
    """Return the lines with symbols written into them.

    line: [B, T], symbols: [B, W], at: [B], first places
    """
    return line.scatter(1, at[:, None] + torch.arange(symbols.shape[1], device=at.device), symbols)


def loss_kind(s: Settings) -> str:
    """Return how a miss of a character, spaces too, is measured."""
    return "cross_entropy"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return cross-entropy, share of right characters, and of sums right in all.

    out: [M, B, T, O] -> [M]
    """
    is_right = (out.argmax(-1) == batch.y).all(-1).float()
    counts = (batch.weight > 0).any(-1).float()
    return {
        "cross_entropy": cross_entropy(out, batch),
        "accuracy": share_right(out, batch),
        "exact": (is_right * counts).sum(1) / counts.sum(1),
    }


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs add.    [M]"""
    return score["exact"] >= SOLVED_EXACT


def shares(s: Settings) -> list[float]:
    """Return how often each output symbol is wanted, exactly.

    -> [O]

    With N = 2 * 10**n_digits, the value v of a sum has |v| = m > 0 in 2 (N + 1 - m) of (N + 1)**2
    cases.
    """
    top = 2 * 10**s.n_digits
    counts = [0] * N_OUT

    def cases(start: int, *, n: int, every: int, width: int) -> int:
        """Return the cases of all m > 0 in n blocks of `width`, the first at `start`, the next
        `every` on.
        """
        total = n * width * start + every * width * n * (n - 1) // 2 + n * width * (width - 1) // 2
        return 2 * (n * width * (top + 1) - total)

    for power in (10**k for k in range(s.n_digits)):
        for digit in range(10):
            first = digit * power if digit else 10 * power  # no number begins with 0 ...
            n = top // (10 * power) - (digit == 0)
            counts[digit] += cases(first, n=n, every=10 * power, width=power)
    counts[1] += cases(top // 2, n=1, every=0, width=top // 2)
    counts[2] += 2  # m = N
    counts[0] += 2 * s.n_digits + top + 1  # its zeros, and v = 0 itself
    counts[MINUS] = top * (top + 1) // 2
    counts[SPACE] = s.n_steps * (top + 1) ** 2 - sum(counts)
    return [count / (s.n_steps * (top + 1) ** 2) for count in counts]


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores input and step.

    How often each symbol is wanted, as logarithms.

    [O]
    """
    return torch.tensor(shares(s)).log()


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`: the entropy of the symbols.

    It always says the likeliest, a space.
    """
    p = shares(s)
    return {"cross_entropy": -sum(q * math.log(q) for q in p), "accuracy": p[SPACE], "exact": 0.0}
