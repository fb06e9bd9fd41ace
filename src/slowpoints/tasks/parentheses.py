"""Parentheses counting (Collins et al. 2017, Fig. 4, 5): how many parentheses of each stream's own
type are open?

Streams run side by side. Stream k counts type k; other types, and half of the symbols, are noise.
The example of the
paper: in "(a<a<bcb>[[[)" one parenthesis of type "<>" is open.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import weighted_mean

METRICS = ("cross_entropy", "accuracy")  # what `score` returns
SOLVED_ACCURACY = 0.99
TINY = 1e-30  # in place of the chance of counts that a short stream cannot reach


@dataclass(frozen=True)
class Settings:
    """How many streams of which symbols, how far is counted, and how long."""

    n_streams: int = 10
    n_types: int = 10
    n_noise: int = 10  # letters; half of all symbols
    cap: int = 9  # the count stays here
    n_steps: int = 175

    def __post_init__(self) -> None:
        """Refuse empty streams, and streams without a type of their own."""
        for name in ("n_noise", "cap", "n_steps"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"parentheses: {name} is {getattr(self, name)}; must be at least 1"
                )
        if not 1 <= self.n_streams <= self.n_types:
            raise ValueError(
                f"parentheses: n_streams is {self.n_streams}; must lie in 1..n_types = "
                f"{self.n_types}: "
                "each stream counts a type of its own"
            )


def n_symbols(s: Settings) -> int:
    """Return the number of symbols: the types opened, the types closed, the letters, in
    this order.
    """
    return 2 * s.n_types + s.n_noise


def n_in(s: Settings) -> int:
    """Return the number of input channels, one per stream and symbol."""
    return s.n_streams * n_symbols(s)


def n_out(s: Settings) -> int:
    """Return the number of outputs, one per stream and count 0..cap."""
    return s.n_streams * (s.cap + 1)


def sample(s: Settings, world: None, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return random streams and, at the last step, the counts; splits differ by `rng` alone.

    Half of the symbols are letters, half parentheses, each uniform (Departs: the paper says this of
    the halves only).
    """
    u = rng.random(batch, s.n_steps, s.n_streams)
    paren, letter = u.mul(4 * s.n_types).long(), u.sub(0.5).mul(2 * s.n_noise).long()
    symbols = torch.where(u < 0.5, paren, letter + 2 * s.n_types)
    x = torch.zeros(*symbols.shape, n_symbols(s), device=rng.device)
    x.scatter_(-1, symbols[..., None], 1.0)
    y = torch.zeros(batch, s.n_streams, s.cap + 1, device=rng.device)
    y.scatter_(-1, n_open(s, symbols)[..., None], 1.0)
    weight, allowed = x.new_ones(batch, 1), x.new_ones(n_out(s), dtype=torch.bool)
    return Batch(x.flatten(2), y.flatten(1)[:, None], weight, allowed)


def n_open(s: Settings, symbols: Tensor) -> Tensor:
    """Return how many of each stream's own parentheses are open at the end.

    symbols: [B, T, K] -> [B, K]

    The count starts at 0 and stays within 0..cap (Departs: the paper does not say what closing does
    at 0).
    """
    own = torch.arange(s.n_streams, device=symbols.device)
    change = (symbols == own).long() - (symbols == own + s.n_types).long()
    count = torch.zeros_like(symbols[:, 0])
    for step in change.unbind(1):
        count = (count + step).clamp(0, s.cap)
    return count


def _heads(s: Settings, values: Tensor) -> Tensor:
    """Return outputs by stream and count.    values: [M, B, 1, O] -> [M, B, 1, K, cap + 1]"""
    return values.unflatten(-1, (s.n_streams, s.cap + 1))


def loss(s: Settings, out: Tensor, batch: Batch) -> Tensor:
    """Return the cross-entropy of the counts in nats, summed over streams.

    out: [M, B, 1, O] -> [M]
    """
    log_p = _heads(s, out).log_softmax(-1)
    return -weighted_mean((log_p * _heads(s, batch.y)).sum((-2, -1)), batch.weight)


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the cross-entropy, summed over streams, and the share of right counts.

    out: [M, B, 1, O] -> [M]
    """
    right = _heads(s, out).argmax(-1) == _heads(s, batch.y).argmax(-1)
    return {
        "cross_entropy": loss(s, out, batch),
        "accuracy": weighted_mean(right.float().mean(-1), batch.weight),
    }


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs count.    [M]"""
    return score["accuracy"] >= SOLVED_ACCURACY


def law(s: Settings) -> Tensor:
    """Return how likely each final count is: a walk between 0 and cap, up and down equally often.

    -> [cap + 1]
    """
    moves = 1 / (4 * s.n_types)  # half of the symbols are parentheses, of 2 n_types kinds
    step = torch.eye(s.cap + 1, dtype=torch.float64) * (1 - 2 * moves)
    step += torch.diag(step.new_full((s.cap,), moves), 1) + torch.diag(
        step.new_full((s.cap,), moves), -1
    )
    step[0, 0] += moves  # closing at 0
    step[-1, -1] += moves  # opening at cap
    return torch.linalg.matrix_power(step, s.n_steps)[0]


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input: how likely each count is, as logarithms.

    [O]
    """
    return law(s).clamp(min=TINY).log().float().repeat(s.n_streams)


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`.

    The entropy of the counts, and the chance of the likeliest.
    """
    p = law(s)
    return {
        "cross_entropy": -s.n_streams * float(torch.xlogy(p, p).sum()),
        "accuracy": float(p.max()),
    }
