"""Panels of formation, and printed tables: what is drawn is what the table says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Arc

from slowpoints import figures
from slowpoints.figures.formation import NULL, class_colours

pytestmark = pytest.mark.usefixtures("_fresh_sheet")


def tracked() -> pd.DataFrame:
    """Return three classes of two networks at three checkpoints.

    The second class is introduced at the second.
    """
    rows = [
        {
            "run": run,
            "class": k,
            "step": step,
            "n_classes": n,
            "speed": (1 + k) * factor / step,
            "pc1": k,
            "label_in_use": min(k, n - 1) if k < 2 else -1,
        }
        for run, factor in (("a", 1), ("b", 3))
        for step, n in ((10, 1), (20, 2), (30, 2))
        for k in range(3)
    ]
    return pd.DataFrame(rows)


def axis_of():
    return figures.grid(1, 1, height=2)[1][0, 0]


def test_speeds_are_medians_over_networks_and_stages_are_marked_where_they_begin():
    axis = axis_of()
    figures.speeds_in_training(axis, tracked(), stage="n_classes")
    curves = [line for line in axis.lines if len(line.get_xdata()) == 3]
    assert curves[1].get_ydata() == pytest.approx([2 * 2 / step for step in (10, 20, 30)])
    (mark,) = [line for line in axis.lines if len(line.get_xdata()) == 2]
    assert mark.get_xdata()[0] == 20


def test_places_have_the_colour_of_what_is_read_out_there():
    axis = axis_of()
    own = tracked()
    figures.places_in_training(axis, own[own["run"] == "a"], stage="n_classes")
    drawn = axis.collections[0].get_facecolors()[:, :3]
    first, second, _ = class_colours(3)
    assert drawn[0] == pytest.approx(first)
    assert drawn[1] == pytest.approx(first), "before its introduction class 1 is read as class 0"
    assert drawn[4] == pytest.approx(second)
    assert drawn[2] == pytest.approx([float(NULL)] * 3)


def test_every_parent_gets_an_arc_as_dark_as_networks_agree():
    axis = axis_of()
    rows = [("a", 0, 1), ("b", 0, 1), ("a", 0, 2), ("b", 1, 2), ("b", -1, 3)]
    figures.family(axis, pd.DataFrame(rows, columns=["run", "parent", "class"]), n_classes=4)
    arcs = {
        (arc.center[0], arc.width): arc.get_alpha() for arc in axis.patches if isinstance(arc, Arc)
    }
    assert set(arcs) == {(0.5, 1), (1.0, 2), (1.5, 1)}
    assert arcs[0.5, 1] == 1.0
    assert arcs[1.0, 2] == arcs[1.5, 1] == pytest.approx(0.65)


def test_the_cost_is_drawn_per_network_and_on_the_mean():
    axis = axis_of()
    rows = {
        "run": ["a", "a", "b"],
        "cell": "gru",
        "x_parent": [-0.2, -0.4, -0.1],
        "x_others": [-0.1, np.nan, 0.1],
    }
    figures.cost_of_introduction(axis, pd.DataFrame(rows), change="x", name="change")
    a, b, mean = (line.get_ydata().tolist() for line in axis.lines[:3])
    assert (a, b) == (pytest.approx([-0.3, -0.1]), pytest.approx([-0.1, 0.1]))
    assert mean == pytest.approx([-0.2, 0.0])


def test_a_printed_table_has_every_entry_once_and_leading_repeats_stay_empty():
    rows = [
        {"cell": "GRU", "n": "6", "x": "1"},
        {"cell": "GRU", "n": "5", "x": "1"},
        {"cell": "RNN", "n": "5", "x": "1"},
    ]
    figure = figures.printed(rows)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["cell", "GRU", "RNN", "n", "6", "5", "5", "x", "1", "1", "1"]


def test_means_come_with_standard_errors_where_there_are_any():
    assert figures.mean_sem(pd.Series([1.0, 2.0, np.nan])) == "1.50 ± 0.50"
    assert figures.mean_sem(pd.Series([1.0]), digits=1) == "1.0"
    assert figures.mean_sem(pd.Series([np.nan])) == "–"


def test_panels_that_do_not_fill_the_last_row_leave_it_empty():
    figure, axes = figures.wrapped(5, columns=3, height=1.5)
    assert len(axes) == 5
    assert sum(axis.get_visible() for axis in figure.axes) == 5
