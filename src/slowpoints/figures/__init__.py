"""Figures: one style, one colour per cell everywhere, panels that show every network. No torch."""

from slowpoints.figures.delays import accuracy_by_delay, correlation_by_delay, speed_scatter
from slowpoints.figures.latch import latch_panels
from slowpoints.figures.panels import (
    by_cell,
    grid,
    knob,
    legend,
    note,
    protocol_legend,
    reference,
    rows,
    solved_share,
    steps_to_solve,
)
from slowpoints.figures.points import distribution, dots_by_arm
from slowpoints.figures.states import class_legend, spectrum, state_panels
from slowpoints.figures.style import colour, label, marker, name_of, save, start
from slowpoints.figures.task import delay_law, schedule, trial_strip
from slowpoints.figures.words import best_of, correlations, counts, listed, means

__all__ = [
    "accuracy_by_delay",
    "best_of",
    "by_cell",
    "class_legend",
    "colour",
    "correlation_by_delay",
    "correlations",
    "counts",
    "delay_law",
    "distribution",
    "dots_by_arm",
    "grid",
    "knob",
    "label",
    "latch_panels",
    "legend",
    "listed",
    "marker",
    "means",
    "name_of",
    "note",
    "protocol_legend",
    "reference",
    "rows",
    "save",
    "schedule",
    "solved_share",
    "spectrum",
    "speed_scatter",
    "start",
    "state_panels",
    "steps_to_solve",
    "trial_strip",
]
