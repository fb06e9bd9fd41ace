"""Panels of tuned experiments: trial after trial, losses of random settings, failures,
hyperparameters.
"""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures import published
from slowpoints.figures.panels import cells_of
from slowpoints.figures.style import FAINT, GREY, colour, label, look, name_of, protocol

OURS = {"+rnn": "intersection_rnn"}  # our names of cells for the authors', where they differ
BOX = 0.36  # width of a box, of a place of width 1


def authors_trials(authors: pd.DataFrame, *, task_type: str, figure: str) -> pd.DataFrame:
    """Return the trials that the authors published for one task and figure (fig4), under our names
    of cells.
    """
    own = authors[
        (authors["task_type"] == task_type) & authors["source"].astype(str).str.startswith(figure)
    ]
    cells = own["architecture"].replace(OURS)
    return own.assign(
        cell=cells, arm=cells, depth=own["n_layers"], eval_loss=own["eval_loss"].astype(float)
    )


def running(
    axis: Axes, trials: pd.DataFrame, *, how: Literal["median", "min"], theirs: pd.DataFrame
) -> None:
    """Draw the median or lowest loss of the trials so far, per arm; every trial is a faint dot.

    Diverged ones lack one.

    theirs: the published trials, drawn in grey with the cell's marker, without dots.
    """
    for (cell, arm), own in _in_turn(theirs):
        so_far = own["eval_loss"].expanding().agg(how)
        style = look(cell) | {"color": GREY}
        axis.plot(
            own["hyper_iter"] + 1,
            so_far,
            linestyle=protocol(arm)[0],
            markevery=0.2,
            zorder=0,
            **style,
        )
    for (cell, arm), own in _in_turn(trials):
        number = own["hyper_iter"] + 1
        axis.plot(
            number, own["eval_loss"], linestyle="none", alpha=FAINT, markeredgewidth=0, **look(cell)
        )
        so_far = own["eval_loss"].expanding().agg(how)
        axis.plot(
            number, so_far, linestyle=protocol(arm)[0], color=colour(cell), label=name_of(arm)
        )
    words = {"median": "median test loss so far", "min": "lowest test loss so far"}
    axis.set(
        yscale="log", xscale="log" if len(theirs) else "linear", xlabel="trial", ylabel=words[how]
    )


def _in_turn(trials: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Return [((cell, arm), its trials in their order)]."""
    numbered = trials.dropna(subset=["hyper_iter"]).sort_values("hyper_iter", kind="stable")
    return [
        ((str(cell), str(arm)), own)
        for (cell, arm), own in numbered.groupby(["cell", "arm"], sort=False)
    ]


def boxes(axis: Axes, trials: pd.DataFrame, *, theirs: pd.DataFrame) -> None:
    """Draw the losses of each cell: quartiles and median, whiskers to 1.5 box lengths, crosses
    beyond.

    theirs: the published trials, drawn in grey beside ours.
    """
    cells = cells_of(trials)
    for at, cell in enumerate(cells):
        _box(
            axis,
            trials.loc[trials["cell"] == cell, "eval_loss"],
            at=at - BOX / 2 * bool(len(theirs)),
            ink=colour(cell),
        )
        _box(axis, theirs.loc[theirs["cell"] == cell, "eval_loss"], at=at + BOX / 2, ink=GREY)
    _cells_below(axis, cells)
    axis.set(yscale="log", ylabel="test loss")


def _box(axis: Axes, losses: pd.Series, *, at: float, ink: str) -> None:
    line = {"color": ink}
    if losses.notna().any():
        axis.boxplot(
            losses.dropna().to_numpy(float),
            positions=[at],
            widths=0.85 * BOX,
            manage_ticks=False,
            sym="x",
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops=line | {"linewidth": 2.0},
            flierprops={"markeredgecolor": ink, "markersize": 3},
        )


def failures(axis: Axes, trainability: pd.DataFrame) -> None:
    """Draw the share of infeasible networks (full) and of those worse than the constant predictor
    (open) per cell.

    Bars: Wilson's intervals; grey: the published share of infeasible ones, at one layer or at
    eight.
    """
    cells = cells_of(trainability)
    for _, own in trainability.iterrows():
        at = cells.index(own["cell"])
        for name, place, fill in (
            ("infeasible", at - 0.15, colour(own["cell"])),
            ("worse", at + 0.15, "white"),
        ):
            bar = np.clip(
                [[own[name] - own[f"{name}_low"]], [own[f"{name}_high"] - own[name]]], 0, None
            )
            style = look(own["cell"]) | {
                "markerfacecolor": fill,
                "linestyle": "none",
                "elinewidth": 0.6,
            }
            axis.errorbar([place], [own[name]], bar, **style)
        share = published.infeasible(own["cell"], depth=own["depth"])
        if share is not None:
            axis.plot([at - 0.35, at], [share, share], color=GREY, linewidth=2)
    _cells_below(axis, cells)
    axis.set(ylim=(-0.03, 1.03), ylabel="share of settings")


def _cells_below(axis: Axes, cells: list[str]) -> None:
    axis.set_xticks(range(len(cells)), [label(cell) for cell in cells], rotation=30, ha="right")
    axis.set_xlim(-0.6, len(cells) - 0.4)


def importance_bars(axis: Axes, importance: pd.DataFrame, *, names: list[str]) -> None:
    """Draw the importance of the hyperparameters `names` in one study, from the top, as bars with
    their intervals.
    """
    own = importance.set_index("hyperparameter").reindex(names)
    at = np.arange(len(names))
    axis.barh(at, own["importance"], color=colour(importance["cell"].iloc[0]), height=0.7)
    bar = np.clip([own["importance"] - own["low"], own["high"] - own["importance"]], 0, None)
    axis.errorbar(
        own["importance"],
        at,
        xerr=np.nan_to_num(bar),
        linestyle="none",
        color="0.25",
        elinewidth=0.6,
    )
    axis.set_yticks(at, [name.partition(".")[2].replace("_", " ") for name in names])
    axis.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))


def ranked(importance: pd.DataFrame) -> list[str]:
    """Return the hyperparameters by their mean importance over studies, gates taken together."""
    whole = importance[importance["hyperparameter"].str.count(r"\.") == 1]
    means = whole.groupby("hyperparameter", sort=False)["importance"].mean()
    return [str(name) for name in means.sort_values(ascending=False, kind="stable").index]
