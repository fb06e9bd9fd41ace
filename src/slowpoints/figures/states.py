"""Panels of one network's states: the clouds of its classes, its slow points, and the speed between
them.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from slowpoints.figures.style import GREY, colour, label, protocol

# the one palette that is not of cells
CLASSES = [mpl.colors.to_hex(mpl.colormaps["tab10"](k)) for k in range(10)]
SLOW_POINT: dict[str, Any] = {
    "marker": "D",
    "markersize": 4.6,
    "markeredgecolor": "black",
    "markeredgewidth": 0.8,
}
RIGHT: dict[str, Any] = {"marker": "o", "markersize": 2.2, "markeredgewidth": 0, "alpha": 0.75}
WRONG: dict[str, Any] = {"marker": "x", "markersize": 2.6, "markeredgewidth": 0.6, "alpha": 0.75}


def state_panels(axes: np.ndarray, network: pd.DataFrame, lines: pd.DataFrame) -> None:
    """Draw the states of one network at its two delays, seen from the same side, and the speed
    between its slow points.

    axes: [3]
    """
    soon, late = sorted(network.query("kind == 'state'")["delay"].unique().astype(int))
    axes[1].sharex(axes[0])
    axes[1].sharey(axes[0])
    _states(axes[0], network, delay=soon, since=1)
    _states(axes[1], network, delay=late, since=soon)
    axes[0].set_xlabel("")
    _name(axes[0], network)
    _speed_between(axes[2], lines)


def _name(axis: Axes, network: pd.DataFrame) -> None:
    """Write cell and protocol above a panel, and above its letter."""
    cell, words = network["cell"].iloc[0], protocol(network["arm"].iloc[0])[1].replace(" ", "\n")
    # narrow; the last line is the letter's
    axis.set_title(f"{label(cell)}\n{words}\n", color=colour(cell))


def _states(axis: Axes, network: pd.DataFrame, *, delay: int, since: int) -> None:
    """Draw states at a delay, trajectories from delay `since` on, and slow points, in the colours
    of the classes.
    """
    kinds = dict(tuple(network.groupby("kind")))
    moving = kinds["trajectory"].query("@since <= delay <= @delay")
    for (k, _), path in moving.groupby(["class", "item"]):
        axis.plot(path["pc1"], path["pc2"], color=CLASSES[k], linewidth=0.5, alpha=0.55, zorder=1)
    still = kinds["state"].query("delay == @delay")
    for (k, correct), own in still.groupby(["class", "correct"]):
        look = RIGHT if correct else WRONG
        axis.plot(own["pc1"], own["pc2"], color=CLASSES[k], linestyle="none", zorder=2, **look)
    for k, own in kinds["slow_point"].groupby("class"):
        axis.plot(
            own["pc1"], own["pc2"], color=CLASSES[k], linestyle="none", zorder=3, **SLOW_POINT
        )
    words = f"{delay} steps: {still['correct'].mean():.0%} right"
    text = axis.text(
        0.02, 0.99, words, transform=axis.transAxes, va="top", color="0.3", fontsize=6.5, zorder=0
    )
    text.set_in_layout(False)  # with many arms the words are wider than the panel
    axis.margins(0.05, 0.16)  # room for the words
    first, second = network[["share1", "share2"]].iloc[0]
    axis.set(xlabel=f"PC 1 ({first:.0%})", ylabel=f"PC 2 ({second:.0%})", xticks=[], yticks=[])


def _speed_between(axis: Axes, lines: pd.DataFrame) -> None:
    """Draw the speed along lines between slow points, in the colour of the class read out there."""
    for _, line in lines.groupby(["class", "other"]):
        places = line[["fraction", "speed"]].to_numpy(float)
        pieces = np.stack([places[:-1], places[1:]], 1)
        colours = [CLASSES[k] if k >= 0 else GREY for k in line["label"].iloc[:-1]]
        axis.add_collection(LineCollection(list(pieces), colors=colours, linewidths=0.9))
    axis.set(xlim=(0, 1), xticks=[0, 0.5, 1], yscale="log", xlabel="way to neighbour")
    axis.autoscale_view(scalex=False)


def spectrum(axis: Axes, network: pd.DataFrame) -> None:
    """Draw the eigenvalues at the slow points of one network in the complex plane, with the unit
    circle.
    """
    axis.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY, linewidth=0.7))
    axis.plot(
        network["real"],
        network["imaginary"],
        color=colour(network["cell"].iloc[0]),
        marker="o",
        markersize=1.6,
        markeredgewidth=0,
        alpha=0.4,
        linestyle="none",
    )
    _name(axis, network)
    axis.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    axis.set_xlim(min(-1.08, network["real"].min() - 0.05), max(1.08, network["real"].max() + 0.05))


def class_legend(figure: Figure, n_classes: int) -> None:
    """Name the colours of the classes and the marks, above all panels."""
    handles = [
        Line2D([], [], color=CLASSES[k], linewidth=3, label=f"{k}") for k in range(n_classes)
    ]
    marks = {"slow point": SLOW_POINT, "read out right": RIGHT, "read out wrong": WRONG}
    for words, look in marks.items():
        handles.append(Line2D([], [], linestyle="none", color="0.4", label=words, **look))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        handlelength=0.8,
        columnspacing=1.1,
    )
