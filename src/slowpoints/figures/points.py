"""Panels of single values: a row per arm, or a distribution over networks' points."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from slowpoints.figures.delays import LONGEST_TRAINED
from slowpoints.figures.style import FAINT, GREY, colour, look, protocol
from slowpoints.measures import statistics
from slowpoints.measures.statistics import Interval


def dots_by_arm(axis: Axes, table: pd.DataFrame, *, y: str, names: dict[str, str]) -> None:
    """Draw one row per arm, named by `names`.

    Every network as a faint dot, their median as a full one.
    """
    arms = [arm for arm in names if arm in set(table["arm"])]
    for row, arm in enumerate(arms):
        own = table[table["arm"] == arm].dropna(subset=[y])
        cell = table.loc[table["arm"] == arm, "cell"].iloc[0]
        scatter = np.linspace(-0.22, 0.22, max(len(own), 1))[: len(own)]
        style = look(cell) | {"linestyle": "none"}
        axis.plot(own[y], row + scatter, alpha=FAINT, markeredgewidth=0, **style)
        if len(own):
            axis.plot(
                own[y].median(),
                row,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
                **style,
            )
    axis.set_yticks(range(len(arms)), [names[arm] for arm in arms])
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.grid(axis="y", color="0.93", linewidth=0.6)
    axis.set_axisbelow(True)


def networks(curve: pd.DataFrame, points: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per network: accuracy by delay, and as `trained` over the trained delays.

    points: slow points; with them also the median speed and scatter at them
    """
    who = ["run", "arm", "cell", "seed"]
    found = curve.groupby([*who, "delay"])["accuracy"].mean().unstack()
    found["trained"] = found[[delay for delay in found if delay <= LONGEST_TRAINED]].mean(axis=1)
    if points is not None:
        found = found.join(points.groupby(who)[["speed", "scatter"]].median())
    return found.reset_index()


def changes(table: pd.DataFrame, *, y: str, control: str, log: bool = False) -> pd.DataFrame:
    """Compare every network with the network of its seed in the control arm.

    table: one row per network, with the columns arm, seed and y. `log`: in decades.
    -> the same rows without the control's, with the column "change"; networks without a partner are
    left out
    """
    value = np.log10(table[y]) if log else table[y]
    partner = value[table["arm"] == control].set_axis(table.loc[table["arm"] == control, "seed"])
    change = value - table["seed"].map(partner)
    return table.assign(change=change)[table["arm"] != control].dropna(subset=["change"])


def changes_by_arm(
    axis: Axes, compared: pd.DataFrame, *, groups: dict[str, dict[str, str]]
) -> None:
    """Draw one row per arm: every network's change as a faint dot, their mean with its 95 %
    interval. compared: from `changes`. groups: arms with their labels, by the colour they are drawn
    in; a gap between groups.
    """
    places = list(_placed(groups, arms=set(compared["arm"])))
    for place, arm, _, shade in places:
        values = compared.loc[compared["arm"] == arm, "change"].to_numpy(dtype=float)
        scatter = np.linspace(-0.22, 0.22, len(values))
        axis.plot(values, place + scatter, "o", color=shade, alpha=FAINT, markeredgewidth=0)
        found = _mean(values)
        axis.plot([found.low, found.high], [place, place], color=shade)
        axis.plot(
            found.estimate,
            place,
            "o",
            color=shade,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
    axis.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    axis.set_yticks([place for place, *_ in places], [name for *_, name, _ in places])
    axis.set_ylim(max((place for place, *_ in places), default=0) + 0.7, -0.7)
    axis.grid(axis="y", color="0.93", linewidth=0.6)
    axis.set_axisbelow(True)


def _mean(values: NDArray[np.float64]) -> Interval:
    return statistics.interval(
        lambda weights: statistics.mean(weights, values), np.arange(len(values))
    )


def _placed(
    groups: dict[str, dict[str, str]], *, arms: set[str]
) -> Iterator[tuple[float, str, str, str]]:
    """Yield place, arm, label and colour of every arm that is there."""
    place = 0.0
    for shade, names in groups.items():
        shown = [arm for arm in names if arm in arms]
        for arm in shown:
            yield place, arm, names[arm], shade
            place += 1
        place += 0.5 * bool(shown)


def distribution(axis: Axes, table: pd.DataFrame, *, y: str, name: str) -> None:
    """Draw the share of slow points below each value, a curve per arm.

    An arm's style is its protocol.
    """
    for arm, own in table.groupby("arm", sort=False):
        values = np.sort(own[y].dropna().to_numpy(dtype=float))
        share = np.arange(1, len(values) + 1) / max(1, len(values))
        style, shown = protocol(str(arm))[0], np.isfinite(values)
        axis.step(
            values[shown],
            share[shown],
            where="post",
            linestyle=style,
            color=colour(own["cell"].iloc[0]),
        )
    axis.set(ylim=(0, 1.02), xlabel=name, ylabel="share of slow points")
