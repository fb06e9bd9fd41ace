"""Panels of the task itself: what is shown and asked, how long the delays are, what the curricula
change.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from slowpoints.figures.style import ARMS, PROTOCOLS

MARK = "#D55E00"  # the image, the trigger and the answer
FRAME = 0.9  # side of a frame, in steps
GREYS = (-0.5, 1.0)  # black and white: images lie in [0, 1], and most of the noise between these
ROWS = {"frame": 0.0, "trigger": -0.9, "answer": -1.45}  # height of each row, in steps
WANTED: dict[str, Any] = {"color": MARK, "fontweight": "bold", "fontsize": 8}
NULL: dict[str, Any] = {"color": "0.45", "fontsize": 5.5}


def trial_strip(axis: Axes, trial: pd.DataFrame) -> None:
    """Draw one trial, a column per step: the frame, the trigger, and the wanted answer."""
    steps = trial.drop_duplicates("step").set_index("step")
    for step, pixels in trial.groupby("step"):
        picture = pixels.pivot(index="row", columns="column", values="value")
        extent = (step - FRAME / 2, step + FRAME / 2, -FRAME / 2, FRAME / 2)
        axis.imshow(
            picture,
            cmap="gray",
            vmin=GREYS[0],
            vmax=GREYS[1],
            extent=extent,
            interpolation="nearest",
        )
        text, look = (
            (str(steps["target"][step]), WANTED) if steps["trigger"][step] else ("null", NULL)
        )
        axis.text(step, ROWS["answer"], text, ha="center", va="center", **look)
    edges = np.append(steps.index, steps.index[-1] + 1) - 0.5
    axis.stairs(
        ROWS["trigger"] - 0.18 + 0.36 * steps["trigger"],
        edges,
        baseline=None,
        color="0.2",
        linewidth=1,
    )
    shown, asked_at = steps["is_image"].idxmax(), steps["trigger"].idxmax()
    corner = (shown - FRAME / 2, -FRAME / 2)
    axis.add_patch(Rectangle(corner, FRAME, FRAME, fill=False, edgecolor=MARK, linewidth=1.4))
    _delay(axis, shown, asked_at)
    axis.set(
        xlim=(edges[0], edges[-1]), ylim=(ROWS["answer"] - 0.3, 1.0), aspect="equal", xticks=[]
    )
    axis.set_yticks(list(ROWS.values()), list(ROWS))
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _delay(axis: Axes, shown: int, asked: int) -> None:
    """Draw the delay above the frames, from the image to the trigger."""
    height = 0.7
    axis.annotate(
        "",
        (asked, height),
        (shown, height),
        arrowprops={"arrowstyle": "<->", "color": MARK, "linewidth": 0.8},
    )
    axis.text(
        (shown + asked) / 2,
        height,
        f"delay {asked - shown}",
        ha="center",
        va="center",
        color=MARK,
        fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )


def delay_law(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the probability of every delay, a curve per length of the sequence, darker the
    longer.
    """
    lengths = sorted(table["t_max"].unique())
    shades = mpl.colormaps["viridis_r"](np.linspace(0.2, 1, len(lengths)))
    for shade, t_max in zip(shades, lengths, strict=True):
        own = table[table["t_max"] == t_max]
        axis.plot(
            own["delay"],
            own["probability"],
            color=shade,
            marker="o",
            markersize=2.2,
            label=f"{t_max}",
        )
    axis.set(yscale="log", xlabel="delay (steps)", ylabel="probability")
    axis.legend(title="$T_\\mathrm{max}$ (steps)", title_fontsize=7, loc="upper right", ncols=2)


def schedule(axis: Axes, table: pd.DataFrame, *, y: str, name: str) -> None:
    """Draw what the curricula ask for against the share of training, a line per curriculum."""
    for curriculum, own in table.groupby("curriculum", sort=False):
        style, words = PROTOCOLS[ARMS[str(curriculum)]]
        edges = np.append(own["start"], 1.0)
        axis.stairs(
            own[y], edges, baseline=None, linestyle=style, color="0.2", linewidth=1.3, label=words
        )
    axis.set(xlim=(0, 1), ylim=(0, None), xlabel="share of training", ylabel=name)
