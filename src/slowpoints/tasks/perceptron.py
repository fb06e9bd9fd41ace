"""Perceptron capacity (Collins et al. 2017, per-parameter capacity): learn random labels by heart.

The set to learn is drawn once per run and is all there is: training, validation and test use the
same b inputs, as in the paper, where the score is how much of this set the network has stored.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from slowpoints.tasks import Batch, Draws, Split
from slowpoints.tasks._measures import cross_entropy, logistic, share_right, weighted_mean

METRICS = ("accuracy", "soft_bits_per_label", "bits_per_parameter")  # what `score` returns
PER_RUN: tuple[str, ...] = ("labels_per_parameter",)
SOLVED_ACCURACY = (
    0.99  # the paper finds its best score on sets that are almost wholly stored (Fig. App.1)
)


@dataclass(frozen=True)
class Settings:
    """How many labels there are to learn, and how the inputs are shown."""

    n_in: int = 32  # 2**n_in must far exceed the number of labels, or inputs collide
    n_steps: int = 5
    labels_per_parameter: float = 4.0
    inject: Literal["once", "always"] = "once"  # shown at the first step only, or at every step
    n_classes: int = 2  # labels 0..n_classes-1 (Departs: the paper has two only)

    def __post_init__(self) -> None:
        """Refuse an empty set or sequence."""
        if self.n_in < 1:
            raise ValueError(f"perceptron: n_in is {self.n_in}; must be at least 1")
        if self.n_steps < 1:
            raise ValueError(f"perceptron: n_steps is {self.n_steps}; must be at least 1")
        if not self.labels_per_parameter > 0:
            raise ValueError(
                f"perceptron: labels_per_parameter is {self.labels_per_parameter}; must be positive"
            )
        if self.inject not in ("once", "always"):
            raise ValueError(f"perceptron: inject is {self.inject!r}; must be once or always")
        if self.n_classes < 2:
            raise ValueError(f"perceptron: n_classes is {self.n_classes}; must be at least 2")


class World(NamedTuple):
    """The set one run learns."""

    inputs: Tensor  # [b, I] of -1 and +1 (the paper's 0 and 1, recoded)
    labels: Tensor  # [b] numbers 0 and 1; with more than two classes, indices


def n_in(s: Settings) -> int:
    """Return the number of input channels."""
    return s.n_in


def n_out(s: Settings) -> int:
    """Return the number of outputs: the logit of label 1.

    With more than two classes, one per class.
    """
    return 1 if s.n_classes == 2 else s.n_classes


def n_labels(s: Settings, *, n_parameters: int) -> int:
    """Return b, the number of labels a network of `n_parameters` has to learn."""
    return max(1, round(s.labels_per_parameter * n_parameters))


def world(s: Settings, *, n_parameters: int, rng: Draws, data_dir: Path | None) -> World:
    """Return b random inputs and their random labels."""
    b = n_labels(s, n_parameters=n_parameters)
    bits = rng.integers(0, 2, (b, s.n_in + 1)).float()
    labels = bits[:, -1]
    if s.n_classes > 2:
        labels = rng.integers(0, s.n_classes, (b,))
    return World(inputs=bits[:, :-1] * 2 - 1, labels=labels)


def sample(s: Settings, world: World, *, batch: int, split: Split, rng: Draws) -> Batch:
    """Return rows of the set drawn with replacement; all splits are this one set."""
    return _shown(s, world, rng.integers(0, len(world.labels), (batch,)))


def evaluation(s: Settings, world: World, *, rows: int, split: Split, rng: Draws) -> Batch:
    """Return the whole set in order, however many `rows` are asked for.

    The score is about all of it.
    """
    return _shown(s, world, torch.arange(len(world.labels), device=world.labels.device))


def _shown(s: Settings, world: World, index: Tensor) -> Batch:
    """Return the rows `index` of the set as sequences.    index: [B]"""
    silent = s.n_steps - 1 if s.inject == "once" else 0
    x = world.inputs.index_select(0, index)[:, None].expand(-1, s.n_steps - silent, -1)
    y = world.labels[index][:, None, None] if s.n_classes == 2 else world.labels[index][:, None]
    return Batch(x, y, x.new_ones(len(index), 1), x.new_ones(n_out(s), dtype=torch.bool), silent)


def loss_kind(s: Settings) -> str:
    """Return how a miss of a label is measured; a lone output is the logit of 1."""
    return "cross_entropy" if s.n_classes > 2 else "logistic"


def score(s: Settings, out: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the share of right labels, log2 K - cross-entropy in bits, and the score.

    out: [M, B, 1, O] -> [M]

    bits_per_parameter is the paper's: labels per parameter times the mutual information per label.
    """
    if s.n_classes > 2:
        accuracy, nats = share_right(out, batch), cross_entropy(out, batch)
    else:
        accuracy = weighted_mean(((out > 0) == (batch.y > 0)).float()[..., 0], batch.weight)
        nats = logistic(out, batch)
    return {
        "accuracy": accuracy,
        "soft_bits_per_label": math.log2(s.n_classes) - nats / math.log(2),
        "bits_per_parameter": s.labels_per_parameter * information(accuracy, n_classes=s.n_classes),
    }


def information(accuracy: Tensor, *, n_classes: int) -> Tensor:
    """Return log2 K + p log2 p + (1 - p) log2((1 - p) / (K - 1)), the bits known of one of K
    labels, a share p right.

    Departs: p below chance, 1/K, counts as chance; the formula would pay for it.
    """
    p = accuracy.clamp(min=1 / n_classes)
    # nats; 0 log 0 = 0
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, (1 - p) / (n_classes - 1)))
    return math.log2(n_classes) - entropy / math.log(2)


def solved(s: Settings, score: dict[str, Tensor]) -> Tensor:
    """Return which runs know almost all labels.    [M]"""
    return score["accuracy"] >= SOLVED_ACCURACY


def constant(s: Settings) -> Tensor:
    """Return the best output that ignores the input.    [O]"""
    return torch.zeros(n_out(s))


def baseline(s: Settings) -> dict[str, float]:
    """Return the expected scores of `constant`."""
    return {"accuracy": 1 / s.n_classes, "soft_bits_per_label": 0.0, "bits_per_parameter": 0.0}
