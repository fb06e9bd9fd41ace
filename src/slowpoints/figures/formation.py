"""Panels of how slow points form: their speed, where they are and what they read as, along
training.
"""

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.patches import Arc

from slowpoints.figures.style import FAINT, GREY, colour

NULL = "0.8"
STAGES = {"n_classes": "classes", "n_used_steps": "steps"}  # in use


def class_colours(n: int) -> list[tuple[float, float, float]]:
    """Return one colour per class, dark to light in the order in which they are introduced."""
    return list(seaborn.color_palette("viridis", n))


def speeds_in_training(axis: Axes, table: pd.DataFrame, *, stage: str) -> None:
    """Draw the median speed over networks of every class's point.

    Marks where the stage of the curriculum changes.
    """
    colours = class_colours(table["class"].nunique())
    for k, own in table.groupby("class"):
        middle = own.groupby("step")["speed"].median()
        axis.plot(middle.index, middle, color=colours[int(k)], linewidth=1.0)
    _stages(axis, table, stage=stage)
    axis.set(yscale="log", xlabel="training step", ylabel="speed at the slow point")


def places_in_training(axis: Axes, table: pd.DataFrame, *, stage: str) -> None:
    """Draw where the points of one network are, coloured by the class read out there.

    Grey: null.
    """
    colours = class_colours(table["class"].nunique())
    for _, own in table.groupby("class"):
        axis.plot(own["step"], own["pc1"], color="0.9", linewidth=0.5, zorder=0)
    seen = [NULL if k < 0 else colours[int(k)] for k in table["label_in_use"]]
    axis.scatter(table["step"], table["pc1"], c=seen, s=5, linewidths=0)
    _stages(axis, table, stage=stage)
    axis.set(xlabel="training step", ylabel="leading component")


def _stages(axis: Axes, table: pd.DataFrame, *, stage: str) -> None:
    """Mark the first checkpoint of every stage.

    The upper axis says how many classes or steps are in use.
    """
    first = table.groupby(stage)["step"].min()
    for step in first.iloc[1:]:
        axis.axvline(step, color=GREY, linewidth=0.4, zorder=0)
    top = axis.secondary_xaxis("top")
    top.set_xticks(first.to_list(), [str(int(value)) for value in first.index])
    top.tick_params(length=0, labelsize=4.8, colors="0.4", pad=0)
    top.spines["top"].set_visible(False)
    axis.text(
        1, 1.01, STAGES[stage], transform=axis.transAxes, ha="right", fontsize=5.5, color="0.4"
    )


def family(axis: Axes, table: pd.DataFrame, *, n_classes: int) -> None:
    """Draw an arc from the parent of every introduced class to the class.

    The more networks, the darker.
    """
    shares = (
        table[table["parent"] >= 0].groupby(["parent", "class"])["run"].nunique()
        / table["run"].nunique()
    )
    for (parent, k), share in shares.items():
        arc = Arc(
            ((parent + k) / 2, 0),
            k - parent,
            k - parent,
            theta1=0,
            theta2=180,
            linewidth=0.4 + 3 * share,
        )
        arc.set(alpha=min(1.0, 0.15 + share), color="0.2")
        axis.add_patch(arc)
    axis.scatter(range(n_classes), np.zeros(n_classes), c=class_colours(n_classes), s=22, zorder=3)
    axis.set(
        xlim=(-0.6, n_classes - 0.4), ylim=(-0.4, n_classes / 3), xlabel="class, by introduction"
    )
    axis.set(xticks=range(n_classes), yticks=[])
    axis.spines["left"].set_visible(False)


def cost_of_introduction(axis: Axes, table: pd.DataFrame, *, change: str, name: str) -> None:
    """Draw what introducing a class changes for its parent and for the others.

    A pair of dots per network.
    """
    own = table.groupby("run")[[f"{change}_parent", f"{change}_others"]].mean()
    shade = colour(str(table["cell"].iloc[0])) if len(table) else GREY
    axis.plot(
        [0, 1],
        own.to_numpy().T,
        color=shade,
        alpha=FAINT,
        linewidth=0.7,
        marker="o",
        markersize=2.5,
    )
    axis.plot([0, 1], own.mean().to_numpy(), color=shade, marker="o", markersize=5)
    axis.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set_xticks([0, 1], ["parent", "other\nclasses"])
    axis.set(xlim=(-0.4, 1.4), ylabel=name)
