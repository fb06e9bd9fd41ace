"""Tables as they are printed: one row per condition, one column per quantity."""

import pandas as pd
from matplotlib.figure import Figure

from slowpoints.figures.panels import grid
from slowpoints.figures.style import GREY

ROW = 0.175  # inches
GAP, BOLD = 3.0, 1.2  # between columns, in letters; how much wider a letter of the header is


class Quoted(str):
    """What others published: printed in grey."""


def printed(rows: list[dict[str, str]]) -> Figure:
    """Return a figure with one line of text per row under a header.

    An entry equal to the one above stays empty.

    That holds for the leading columns only, up to the first one in which entries differ.
    """
    header = list(rows[0]) if rows else []
    figure, axes = grid(1, 1, height=ROW * (len(rows) + 2))
    axis = axes[0, 0]
    axis.set_axis_off()
    widths = [max(BOLD * len(name), *(len(row[name]) for row in rows)) + GAP for name in header]
    ends = pd.Series(widths).cumsum().to_list()
    axis.set(xlim=(0, ends[-1] if ends else 1), ylim=(len(rows) + 0.6, -1.2))
    for name, end, width in zip(header, ends, widths, strict=True):
        axis.text(end - width, -0.35, name, va="center", fontweight="bold", fontsize=6.5)
        for y, row in enumerate(rows):
            if not _repeats(rows, y, header[: header.index(name) + 1]):
                look = {"color": GREY} if isinstance(row[name], Quoted) else {}
                axis.text(end - width, y + 0.5, row[name], va="center", fontsize=6.5, **look)
    for level in (-0.85, 0.1, len(rows) + 0.2):
        axis.axhline(level, color="0.2", linewidth=0.6)
    return figure


def _repeats(rows: list[dict[str, str]], y: int, names: list[str]) -> bool:
    """Return whether a row equals the one above in all of these columns."""
    return y > 0 and all(rows[y][name] == rows[y - 1][name] for name in names)


def mean_sem(values: pd.Series, *, digits: int = 2) -> str:
    """Return mean and standard error of the mean over networks, in words."""
    known = values.dropna()
    if len(known) < 2:
        return f"{known.mean():.{digits}f}" if len(known) else "–"
    return f"{known.mean():.{digits}f} ± {known.sem():.{digits}f}"
