"""Panels that every paper's figures share.

A knob on the x axis, a curve per cell, a dot per network.
"""

import itertools
import math
import string
from collections.abc import Sequence
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from slowpoints.figures.style import FAINT, GREY, WIDTH, colour, label, look, name_of, protocol
from slowpoints.measures import statistics

SPREAD = 0.035  # how far the curves of two cells stand apart, in widths of the knob's range


def grid(
    n_rows: int, n_columns: int, *, height: float, share_y: bool = False
) -> tuple[Figure, np.ndarray]:
    """Return a figure as wide as the page, its panels lettered a, b, c ...

    -> axes [rows, columns]
    """
    size = (WIDTH, height * n_rows)
    figure, panels = plt.subplots(n_rows, n_columns, figsize=size, squeeze=False, sharey=share_y)
    for letter, panel in zip(string.ascii_lowercase, panels.flat, strict=False):
        if panels.size > 1:
            panel.set_title(letter, loc="left", fontweight="bold")
    return figure, panels


def wrapped(
    n: int, *, columns: int, height: float, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `n` lettered panels, row by row; places left over stay empty."""
    figure, axes = grid(-(-n // columns), min(n, columns), height=height, share_y=share_y)
    for spare in axes.flat[n:]:
        spare.set_visible(False)
    return figure, list(axes.flat[:n])


def rows(
    counts: Sequence[int], *, height: float, ratios: Sequence[float]
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure as wide as the page with `counts` panels per row, lettered a, b, c ...

    height: of all rows together, in inches; ratios: of the rows' heights
    """
    width, names = math.lcm(*counts), iter(string.ascii_lowercase)
    layout = ["".join(name * (width // n) for name in itertools.islice(names, n)) for n in counts]
    figure, panels = plt.subplot_mosaic(
        "\n".join(layout), figsize=(WIDTH, height), height_ratios=ratios
    )
    for letter, panel in panels.items():
        panel.set_title(letter, loc="left", fontweight="bold")
    return figure, [[panels[name] for name in dict.fromkeys(row)] for row in layout]


def knob(axis: Axes, values: pd.Series, name: str, *, log: bool = False) -> None:
    """Label the x axis with the values tried; `log` spaces them by ratio."""
    shown = sorted(values.unique())
    if log:
        axis.set_xscale("log", base=2)
        shown = shown if len(shown) <= 7 else [v for v in shown if math.log2(v).is_integer()]
    few = FixedLocator(shown) if log or len(shown) <= 5 else MaxNLocator(6, integer=True)
    axis.xaxis.set_major_locator(few)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.set_xlabel(name)


def _placed(x: pd.Series, *, cell: str, cells: list[str], axis: Axes) -> np.ndarray:
    """Return x moved a little, so that the curves of several cells do not hide each other."""
    step = SPREAD * (cells.index(cell) - (len(cells) - 1) / 2) / max(1, len(cells) - 1)
    values = x.to_numpy(dtype=float)
    if axis.get_xscale() == "log":
        return values * (axis.get_xlim()[1] / axis.get_xlim()[0]) ** step
    return values + step * (axis.get_xlim()[1] - axis.get_xlim()[0])


def _frame(axis: Axes, x: pd.Series) -> None:
    """Give the x axis its final limits before anything is placed on it."""
    low, high = float(x.min()), float(x.max())
    if axis.get_xscale() == "log":
        margin = (high / low) ** 0.06 if high > low else 2.0
        axis.set_xlim(low / margin, high * margin)
    else:
        margin = 0.06 * (high - low) if high > low else 1.0
        axis.set_xlim(low - margin, high + margin)


def cells_of(table: pd.DataFrame) -> list[str]:
    """Return the cells in the table, in the order in which it lists them."""
    return list(dict.fromkeys(table["cell"]))


def by_cell(axis: Axes, table: pd.DataFrame, *, x: str, y: str) -> None:
    """Draw the median over networks per arm, and every network as a faint dot."""
    rows = table.dropna(subset=[y])
    if rows.empty:
        return
    _frame(axis, table[x])
    for (cell, arm), own in rows.groupby(["cell", "arm"], sort=False):
        at = _placed(own[x], cell=cell, cells=cells_of(rows), axis=axis)
        axis.plot(at, own[y], linestyle="none", alpha=FAINT, markeredgewidth=0, **look(cell))
        middle = own.groupby(x)[y].median()
        at = _placed(middle.index.to_series(), cell=cell, cells=cells_of(rows), axis=axis)
        axis.plot(at, middle, linestyle=protocol(arm)[0], label=name_of(arm), **look(cell))


def solved_share(axis: Axes, table: pd.DataFrame, *, x: str) -> None:
    """Draw the share of networks that solve their task, with Wilson's interval. Diverged ones did
    not.
    """
    _frame(axis, table[x])
    for cell, own in table.groupby("cell", sort=False):
        shares = own.groupby(x)["solved"].agg(["sum", "count"]).astype(int)
        found = np.array(
            [statistics.wilson(int(n_true), int(n)) for n_true, n in shares.to_numpy()]
        )
        at = _placed(shares.index.to_series(), cell=cell, cells=cells_of(table), axis=axis)
        bars = np.clip([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]], 0, None)
        axis.errorbar(at, found[:, 0], bars, elinewidth=0.6, label=label(cell), **look(cell))
    axis.set(ylim=(-0.05, 1.05), ylabel="share of networks\nthat solve the task")


def steps_to_solve(axis: Axes, table: pd.DataFrame, *, x: str) -> None:
    """Draw steps to solve: a dot per network, an open one where it did not.

    The line is the median.
    """
    _frame(axis, table[x])
    for cell, own in table.groupby("cell", sort=False):
        at = _placed(own[x], cell=cell, cells=cells_of(table), axis=axis)
        solved = own["steps_to_solve"].notna().to_numpy()
        full = look(cell) | {"linestyle": "none", "alpha": FAINT, "markeredgewidth": 0}
        axis.plot(at[solved], own["steps_to_solve"][solved], **full)
        hollow = full | {"markerfacecolor": "none", "markeredgewidth": 0.5, "alpha": 0.5}
        axis.plot(at[~solved], own["max_steps"][~solved], **hollow)
        middle = (
            own.groupby(x)[["steps_to_solve", "max_steps"]]
            .apply(_median_steps)
            .replace(np.inf, np.nan)
        )
        at = _placed(middle.index.to_series(), cell=cell, cells=cells_of(table), axis=axis)
        axis.plot(at, middle, label=label(cell), **look(cell))
    budget = float(table["max_steps"].max())
    axis.set(yscale="log", ylabel="training steps until solved", ylim=(None, budget * 1.35))
    reference(axis, budget, "not within the budget")


def _median_steps(rows: pd.DataFrame) -> float:
    watched = rows["steps_to_solve"].fillna(rows["max_steps"]).to_numpy(float)
    return statistics.median_steps(watched, rows["steps_to_solve"].notna().to_numpy())


def reference(
    axis: Axes, level: float, text: str, *, below: bool = False, left: bool = False
) -> None:
    """Draw a grey level with words at one end of it: a published value, a budget, or chance."""
    axis.axhline(level, color=GREY, linewidth=0.8, zorder=0)
    axis.annotate(
        text, (0 if left else 1, level), xycoords=("axes fraction", "data"),
        xytext=(2 if left else -1, -2 if below else 2),
        textcoords="offset points", ha="left" if left else "right", va="top" if below else "bottom",
        color=GREY, fontsize=6.5,
    )  # fmt: skip


def protocol_legend(
    place: Axes | Figure,
    table: pd.DataFrame,
    *,
    cells: bool = False,
    corner: Literal["upper right", "lower right"] = "upper right",
) -> None:
    """Name the line styles, and the colours where `cells`.

    Above all panels, or in a corner of one.
    """
    styles = dict.fromkeys(protocol(arm) for arm in table["arm"])
    handles = [
        Line2D([], [], color="0.25", linestyle=style, label=words) for style, words in styles
    ]
    if cells:
        handles += [
            Line2D([], [], color=colour(cell), label=label(cell)) for cell in cells_of(table)
        ]
    if isinstance(place, Figure):
        place.legend(handles=handles, loc="outside upper center", ncols=4)
    else:
        place.legend(handles=handles, loc=corner, fontsize=6.5)


def legend(figure: Figure, *axes: Axes, n_columns: int = 6) -> None:
    """Put one legend above all panels, from the labels of some of them."""
    labelled = [axis.get_legend_handles_labels() for axis in axes]
    once = {
        name: handle
        for handles, names in labelled
        for name, handle in zip(names, handles, strict=True)
    }
    if once:
        figure.legend(
            once.values(), once.keys(), loc="outside upper center", ncols=min(n_columns, len(once))
        )


def note(figure: Figure, text: str) -> None:
    """Write what a dot is, how many networks there are and how many diverged, below all panels."""
    figure.supxlabel(text, x=0.01, ha="left", color="0.35", fontsize=6.5)
