"""Panels of memory over time: accuracy against delay, and against the speed of slow points."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.panels import reference
from slowpoints.figures.style import GREY, colour, label, marker, protocol
from slowpoints.figures.words import correlation

CHANCE = 0.1  # ten classes
DOTS: dict[str, dict[str, Any]] = {  # how the dots of a protocol look, by its line style
    "-": {"marker": "o", "markersize": 3.2, "markeredgewidth": 0},
    "--": {"marker": "o", "markersize": 3.2, "markerfacecolor": "none"},
    ":": {"marker": "x", "markersize": 3.2, "markeredgewidth": 0.6},
    "-.": {"marker": "+", "markersize": 3.6, "markeredgewidth": 0.6},
}
LONGEST_TRAINED = 19  # the task shows 20 steps


def accuracy_by_delay(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the mean over networks per arm, and every network as a thin line.

    Line styles are protocols.
    """
    for arm, own in table.groupby("arm", sort=False):
        style, words = protocol(str(arm))
        cell = own["cell"].iloc[0]
        networks = own.pivot_table(index="delay", columns="run", values="accuracy")
        axis.plot(
            networks.index, networks, linestyle=style, color=colour(cell), linewidth=0.4, alpha=0.35
        )
        axis.plot(
            networks.index, networks.mean(axis=1), linestyle=style, color=colour(cell), label=words
        )
    axis.axvspan(table["delay"].min(), LONGEST_TRAINED, color="0.93", zorder=-1, linewidth=0)
    axis.set(xscale="log", ylim=(0, 1.02), xlabel="delay (steps)", ylabel="accuracy")
    reference(axis, CHANCE, "chance", below=True)


def speed_scatter(axis: Axes, table: pd.DataFrame, *, delay: int) -> None:
    """Draw accuracy at one delay against the speed of the class's slow point.

    A dot per class and network.
    """
    for arm, own in table.groupby("arm", sort=False):
        line, words = protocol(str(arm))
        dots = DOTS[line] | {
            "color": colour(own["cell"].iloc[0]),
            "alpha": 0.6,
            "linestyle": "none",
        }
        axis.plot(own["speed"], own[f"accuracy_at_{delay}"], label=words, **dots)
    axis.set(xscale="log", ylim=(0, 1.02), xlabel="speed at the slow point (per step)")
    axis.set_ylabel(f"accuracy at delay {delay}")


def correlation_by_delay(axis: Axes, table: pd.DataFrame) -> None:
    """Draw Spearman's correlation of speed and accuracy at every delay, its interval clustered by
    network.
    """
    delays = sorted(
        int(name.rpartition("_")[2]) for name in table if name.startswith("accuracy_at_")
    )
    for cell, own in table.groupby("cell", sort=False):
        found = np.array([(d, *correlation(own, x="speed", y=f"accuracy_at_{d}")) for d in delays])
        at, rho, low, high = found[np.isfinite(found[:, 1])].T
        axis.fill_between(at, low, high, color=colour(cell), alpha=0.18, linewidth=0)
        axis.plot(at, rho, color=colour(cell), marker=marker(cell), label=label(cell))
    axis.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set(xscale="log", xlim=(delays[0] / 1.15, delays[-1] * 1.15), ylim=(-1.02, 1.02))
    axis.set(xlabel="delay (steps)", ylabel="rank correlation with speed")
