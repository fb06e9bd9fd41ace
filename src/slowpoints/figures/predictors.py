"""Panels of what predicts memory: correlations by delay, and the speed of slow points beside its
rivals.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.style import GREY, colour, label, marker
from slowpoints.figures.words import POOLED, PREDICTORS

FLOOR = 0.2  # mean accuracy, twice chance, below which there is nothing left to predict
CEILING = 0.9  # share of the highest mean accuracy above which there is nothing to predict yet
FILLED = 0.8  # share of a row that its lines of dots take
# the sign of a correlation that would be as expected; of all others -1
EXPECTED = {"distance": 1, "nominal": 1}


def correlation_with_speed(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the rank correlation of speed and accuracy at every delay for each cell of one
    curriculum, or of all.

    Dotted: mean accuracy; markers: where it is neither near its highest value nor near chance.
    Band: 95 % interval.
    """
    rows = table[(table["predictor"] == "speed") & (table["outcome"] == "accuracy")].dropna(
        subset=["rho"]
    )
    for cell, own in rows.sort_values("delay").groupby("cell", sort=False):
        look: dict[str, Any] = {"color": _colour(str(cell)), "linewidth": 0.9}
        axis.fill_between(
            own["delay"], own["low"], own["high"], color=_colour(str(cell)), alpha=0.16, linewidth=0
        )
        axis.plot(own["delay"], own["rho"], **look)
        axis.plot(own["delay"], own["mean"], color=_colour(str(cell)), linewidth=0.7, linestyle=":")
        shown = own[own["mean"].between(FLOOR, CEILING * own["mean"].max())]
        axis.plot(
            shown["delay"], shown["rho"], marker=_marker(str(cell)), label=_label(str(cell)), **look
        )
    axis.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set(xscale="log", ylim=(-1.02, 1.02), xlabel="delay (steps)")


def predictors_compared(axis: Axes, table: pd.DataFrame) -> None:
    """Draw every predictor's correlation with one outcome, counted positive where its sign is the
    expected one.

    Full: a cell's networks of all curricula; open: the same given nominal accuracy; faint: each
    curriculum alone.
    """
    sign = table["predictor"].map(EXPECTED).fillna(-1)
    cells = [cell for cell in dict.fromkeys(table["cell"]) if cell != POOLED]
    apart = FILLED / (2 * max(1, len(cells)))
    for number, cell in enumerate(cells):
        look: dict[str, Any] = {
            "color": _colour(cell),
            "marker": _marker(cell),
            "linestyle": "none",
        }
        for kind, (at, low, high) in enumerate(
            (("rho", "low", "high"), ("partial", "partial_low", "partial_high"))
        ):
            own = table[(table["cell"] == cell) & table[at].notna()]
            row = own["predictor"].map(list(PREDICTORS).index) + apart * (
                2 * number + kind - len(cells) + 0.5
            )
            x, whole = own[at] * sign[own.index], own["curriculum"] == POOLED
            if kind == 0:
                axis.plot(
                    x[~whole], row[~whole], alpha=0.45, markersize=3, markeredgewidth=0, **look
                )
            face: dict[str, Any] = {
                "markerfacecolor": "white" if kind else _colour(cell),
                "markeredgewidth": 0.7,
            }
            ends = [own[end][whole] * sign[own.index][whole] for end in (low, high)]
            axis.hlines(row[whole], *ends, color=_colour(cell), linewidth=0.7)
            axis.plot(x[whole], row[whole], **look, **face)
    axis.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set_yticks(range(len(PREDICTORS)), list(PREDICTORS.values()))
    axis.set(xlim=(-1.02, 1.02), ylim=(len(PREDICTORS) - 0.5, -0.5), xticks=(-1, -0.5, 0, 0.5, 1))
    axis.set_xlabel("rank correlation\n(+: of the expected sign)")
    axis.hlines(np.arange(1, len(PREDICTORS)) - 0.5, -1, 1, color="0.9", linewidth=0.6, zorder=0)


def _colour(cell: str) -> str:
    return "0.25" if cell == POOLED else colour(cell)


def _marker(cell: str) -> str:
    return "o" if cell == POOLED else marker(cell)


def _label(cell: str) -> str:
    return "all cells" if cell == POOLED else label(cell)
