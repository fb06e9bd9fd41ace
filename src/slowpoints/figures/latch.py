"""Panels of one network at work: its gate and its state, step by step."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slowpoints.figures.style import colour, label


def latch_panels(axes: np.ndarray, trace: pd.DataFrame) -> None:
    """Draw input, gate and state of one network along one sequence, a row per unit.    axes: [3]"""
    cell = trace["cell"].iloc[0]
    shown, gate_panel, state_panel = axes
    steps = trace.drop_duplicates("t")
    targeted = steps["phase"] == "targeted"
    colours = np.where(targeted, colour(cell), "0.7")
    shown.bar(steps["t"], steps["input"], color=colours, width=0.8)
    shown.set_title(label(cell), color=colour(cell), fontweight="bold")
    shown.set(ylim=(-1.3, 1.3), yticks=[-1, 1])
    _rows(gate_panel, trace, "gate", low=0.0)
    _rows(state_panel, trace, "state", low=-1.0)
    state_panel.set_xlabel("step")
    for panel in (shown, gate_panel):
        panel.tick_params(labelbottom=False)
        panel.set_xlim(state_panel.get_xlim())


def _rows(axis: Axes, trace: pd.DataFrame, column: str, *, low: float) -> None:
    """Draw one row per unit, one column per step; grey words where the cell has no such thing."""
    picture = trace.pivot(index="unit", columns="t", values=column)
    axis.set_yticks([])
    axis.set_title("", loc="left")
    if picture.isna().to_numpy().all():
        axis.text(
            0.5,
            0.5,
            f"has no {column}",
            ha="center",
            va="center",
            transform=axis.transAxes,
            color="0.55",
        )
        axis.set_axis_off()
        return
    steps = picture.columns
    colours = "Greys" if low == 0 else "RdBu_r"
    extent = (steps.min() - 0.5, steps.max() + 0.5, len(picture) - 0.5, -0.5)
    axis.imshow(
        picture,
        aspect="auto",
        cmap=colours,
        vmin=low,
        vmax=1.0,
        extent=extent,
        interpolation="nearest",
    )
