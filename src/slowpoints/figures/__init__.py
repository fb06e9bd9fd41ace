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
    solved_share,
    steps_to_solve,
)
from slowpoints.figures.points import distribution, dots_by_arm
from slowpoints.figures.predictors import correlation_with_speed, predictors_compared
from slowpoints.figures.style import colour, label, marker, save, start
from slowpoints.figures.words import CURRICULA, best_of, correlations, counts, listed, means

__all__ = [
    "CURRICULA",
    "accuracy_by_delay",
    "best_of",
    "by_cell",
    "colour",
    "correlation_by_delay",
    "correlation_with_speed",
    "correlations",
    "counts",
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
    "note",
    "predictors_compared",
    "protocol_legend",
    "reference",
    "save",
    "solved_share",
    "speed_scatter",
    "start",
    "steps_to_solve",
]
