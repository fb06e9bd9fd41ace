"""Panels of single values: a row per arm, or a distribution over networks' points."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.style import FAINT, colour, look, protocol


def dots_by_arm(axis: Axes, table: pd.DataFrame, *, y: str, names: dict[str, str]) -> None:
    """Draw one row per arm, named by `names`: every network as a faint dot, their median as a full one."""
    arms = [arm for arm in names if arm in set(table["arm"])]
    for row, arm in enumerate(arms):
        own = table[table["arm"] == arm].dropna(subset=[y])
        cell = table.loc[table["arm"] == arm, "cell"].iloc[0]
        scatter = np.linspace(-0.22, 0.22, max(len(own), 1))[: len(own)]
        style = look(cell) | {"linestyle": "none"}
        axis.plot(own[y], row + scatter, alpha=FAINT, markeredgewidth=0, **style)
        if len(own):
            axis.plot(own[y].median(), row, markersize=6, markeredgecolor="white", markeredgewidth=0.6, **style)
    axis.set_yticks(range(len(arms)), [names[arm] for arm in arms])
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.grid(axis="y", color="0.93", linewidth=0.6)
    axis.set_axisbelow(True)


def distribution(axis: Axes, table: pd.DataFrame, *, y: str, name: str) -> None:
    """Draw the share of slow points below each value, a curve per arm; an arm's style is its protocol."""
    for arm, own in table.groupby("arm", sort=False):
        values = np.sort(own[y].dropna().to_numpy(dtype=float))
        share = np.arange(1, len(values) + 1) / max(1, len(values))
        style, shown = protocol(str(arm))[0], np.isfinite(values)
        axis.step(values[shown], share[shown], where="post", linestyle=style, color=colour(own["cell"].iloc[0]))
    axis.set(ylim=(0, 1.02), xlabel=name, ylabel="share of slow points")
