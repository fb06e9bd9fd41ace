"""Figures: one style, one colour per cell everywhere, panels that show every network. No torch."""

from slowpoints.figures.capacity import (
    against_information,
    by_depth,
    factor_matrix,
    factors,
    gains,
    hard_and_soft,
    measured_elsewhere,
    reported,
    stored_bits,
    study,
)
from slowpoints.figures.delays import accuracy_by_delay, correlation_by_delay, speed_scatter
from slowpoints.figures.distortion import allowed_errors
from slowpoints.figures.formation import cost_of_introduction, family, places_in_training, speeds_in_training
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
    wrapped,
)
from slowpoints.figures.points import changes, changes_by_arm, distribution, dots_by_arm
from slowpoints.figures.predictors import correlation_with_speed, predictors_compared
from slowpoints.figures.printed import mean_sem, printed
from slowpoints.figures.states import class_legend, spectrum, state_panels
from slowpoints.figures.style import colour, label, marker, name_of, protocol, save, start
from slowpoints.figures.task import delay_law, schedule, trial_strip
from slowpoints.figures.trial_tables import agreement, rerun_rows, welch_rows
from slowpoints.figures.trials import authors_trials, boxes, failures, importance_bars, ranked, running
from slowpoints.figures.words import CURRICULA, best_of, correlations, counts, listed, means, medians, slopes

__all__ = [
    "CURRICULA",
    "accuracy_by_delay",
    "against_information",
    "agreement",
    "allowed_errors",
    "authors_trials",
    "best_of",
    "boxes",
    "by_cell",
    "by_depth",
    "changes",
    "changes_by_arm",
    "class_legend",
    "colour",
    "correlation_by_delay",
    "correlation_with_speed",
    "correlations",
    "cost_of_introduction",
    "counts",
    "delay_law",
    "distribution",
    "dots_by_arm",
    "factor_matrix",
    "factors",
    "failures",
    "family",
    "gains",
    "grid",
    "hard_and_soft",
    "importance_bars",
    "knob",
    "label",
    "latch_panels",
    "legend",
    "listed",
    "marker",
    "mean_sem",
    "means",
    "measured_elsewhere",
    "medians",
    "name_of",
    "note",
    "places_in_training",
    "predictors_compared",
    "printed",
    "protocol",
    "protocol_legend",
    "ranked",
    "reference",
    "reported",
    "rerun_rows",
    "rows",
    "running",
    "save",
    "schedule",
    "slopes",
    "solved_share",
    "spectrum",
    "speed_scatter",
    "speeds_in_training",
    "start",
    "state_panels",
    "steps_to_solve",
    "stored_bits",
    "study",
    "trial_strip",
    "welch_rows",
    "wrapped",
]
