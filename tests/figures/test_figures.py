"""Figures: colours that never move, files equal to the byte, panels and words that tell
the truth.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers.figure_tables import network_tables, task_tables
from slowpoints import cells, figures
from slowpoints.figures.states import CLASSES
from slowpoints.figures.style import GREY, PALETTE, protocol
from slowpoints.spec.digests import closure

pytestmark = pytest.mark.usefixtures("_fresh_sheet")


def table(**columns) -> pd.DataFrame:
    """Return three seeds of two cells at two loads, some columns replaced."""
    rows = [(cell, load, seed) for cell in ("pru", "gru") for load in (1, 2) for seed in range(3)]
    made = pd.DataFrame(rows, columns=["cell", "load", "seed"])
    made["run"], made["arm"], made["outcome"] = made.index.astype(str), made["cell"], "ok"
    return made.assign(mse=made["load"] / 10, **columns)


def test_every_cell_has_its_own_colour_and_marker():
    assert len({figures.colour(name) for name in cells.names()}) == len(cells.names())
    assert len({figures.marker(name) for name in cells.names()}) == len(cells.names())


def test_colours_in_the_palette_are_told_apart():
    channels = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE.values()]
    distance = np.linalg.norm(np.array(channels)[:, None] - np.array(channels), axis=-1)
    assert distance[~np.eye(len(channels), dtype=bool)].min() > 40


def test_a_new_cell_has_a_colour_of_its_own_for_ever():
    assert (figures.colour("my_cell"), figures.marker("my_cell")) == ("#333084", "*")
    assert figures.colour("my_cell") != figures.colour("my_other_cell")
    assert figures.colour("my_cell") not in PALETTE.values()


def test_a_protocol_is_read_from_the_arm():
    assert protocol("gru-vocu") == ("--", "growing vocabulary")
    assert protocol("gru") == ("-", "")
    assert protocol("gru-something") == ("-", "something")


def test_equal_figures_are_equal_bytes(tmp_path):
    written = []
    for name in ("one", "two"):
        figure, axes = figures.grid(1, 2, height=1.5)
        figures.knob(axes[0, 0], table()["load"], "load", log=True)
        figures.by_cell(axes[0, 0], table(), x="load", y="mse")
        axes[0, 0].set_yscale("log")
        files = {"pdf": str(tmp_path / f"{name}.pdf"), "png": str(tmp_path / f"{name}.png")}
        figures.save(figure, **files)
        written.append([Path(file).read_bytes() for file in files.values()])
    assert written[0] == written[1]


def test_every_network_is_drawn():
    _, axes = figures.grid(1, 1, height=2)
    figures.by_cell(axes[0, 0], table(), x="load", y="mse")
    dots = [line for line in axes[0, 0].lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in dots) == len(table())


def test_a_panel_without_data_stays_empty():
    _, axes = figures.grid(1, 1, height=2)
    figures.by_cell(axes[0, 0], table(nothing=np.nan), x="load", y="nothing")
    assert not axes[0, 0].lines


def test_the_median_line_stops_where_most_networks_do_not_solve():
    steps = [10, 20, 30, np.nan, np.nan, 30] * 2
    own = table(steps_to_solve=steps, max_steps=100)
    _, axes = figures.grid(1, 1, height=2)
    figures.steps_to_solve(axes[0, 0], own, x="load")
    (line, *_) = [line for line in axes[0, 0].lines if line.get_label() == "PRU"]
    assert line.get_ydata()[0] == 20
    assert np.isnan(line.get_ydata()[1])


def test_the_note_counts_networks_and_diverged_ones():
    own = table(outcome=["diverged"] + ["ok"] * 11)
    assert figures.counts(own, per=["cell", "load"]) == "n = 3 networks per point; 1 of 12 diverged"
    assert figures.counts(own[:-1], per=["cell", "load"]).startswith("n = 2 to 3 networks")


def test_predictors_stand_right_where_their_sign_is_the_expected_one():
    rows = [("speed", -0.5), ("distance", -0.4), ("nominal", 0.3)]
    found = pd.DataFrame(rows, columns=["predictor", "rho"]).assign(
        cell="gru", curriculum="all", partial=np.nan
    )
    found = found.assign(
        low=found["rho"] - 0.1, high=found["rho"] + 0.1, partial_low=np.nan, partial_high=np.nan
    )
    _, axes = figures.grid(1, 1, height=2)
    figures.predictors_compared(axes[0, 0], found)
    drawn = [line.get_xdata() for line in axes[0, 0].lines if len(line.get_xdata()) == 3]
    assert np.array(drawn) == pytest.approx(np.array([[0.5, -0.4, 0.3]]))


def test_the_dots_of_one_predictor_stay_in_its_row_however_many_cells_there_are():
    rows = [
        (cell, name, -0.5)
        for cell in ("rnn", "gru", "lstm", "pru")
        for name in ("speed", "distance")
    ]
    found = pd.DataFrame(rows, columns=["cell", "predictor", "rho"]).assign(
        curriculum="all", low=-0.6, high=-0.4
    )
    found = found.assign(partial=-0.5, partial_low=-0.6, partial_high=-0.4)
    _, axes = figures.grid(1, 1, height=2)
    figures.predictors_compared(axes[0, 0], found)
    at = np.array(
        [
            line.get_ydata()
            for line in axes[0, 0].lines
            if len(line.get_xdata()) == 2 and line.get_marker() != "None"
        ]
    )
    assert len(at) == 8
    assert (np.abs(at - at.round()) < 0.5).all()
    assert len(np.unique(at.round(6))) == 16


def test_markers_show_the_delays_at_which_there_is_something_to_predict():
    found = pd.DataFrame(
        {"delay": [4, 50, 100, 1000], "mean": [0.9, 0.85, 0.5, 0.1], "rho": [0.0, -0.1, -0.5, 0.0]}
    )
    found = found.assign(cell="gru", predictor="speed", outcome="accuracy", low=-0.6, high=0.1)
    _, axes = figures.grid(1, 1, height=2)
    figures.correlation_with_speed(axes[0, 0], found)
    (marked,) = [line for line in axes[0, 0].lines if line.get_marker() == figures.marker("gru")]
    assert marked.get_xdata().tolist() == [100]


def test_an_empty_column_does_not_hide_points_from_the_count():
    assert figures.counts(table(budget=np.nan), per=["cell", "load", "budget"]).startswith("n = 3 ")


def test_words_list_and_estimate():
    assert figures.listed(["a", "b", "c"]) == "a, b and c"
    assert figures.listed([]) == "nothing"
    assert figures.means(table(), by="cell", y="mse").startswith("PRU 0.150 [0.102, 0.198]")
    assert (
        figures.correlations(table(), x="load", y="mse")
        == "PRU 1.00 [1.00, 1.00] and GRU 1.00 [1.00, 1.00]"
    )
    assert (
        figures.correlations(table().assign(mse=1.0), x="load", y="mse").count(
            "nothing to estimate"
        )
        == 2
    )


def test_the_best_row_of_each_group_is_kept():
    best = figures.best_of(table(), per=["cell", "seed"], y="mse")
    assert (best["load"] == 2).all()
    assert len(best) == 6


def test_the_style_is_part_of_what_a_figure_depends_on():
    assert {
        "slowpoints.figures.style",
        "slowpoints.figures.panels",
        "slowpoints.measures.statistics",
    } <= set(closure("slowpoints.figures"))


def test_rows_may_hold_different_numbers_of_panels_lettered_in_order():
    figure, (top, below) = figures.rows((2, 3), height=3, ratios=(1, 2))
    assert [axis.get_title("left") for axis in top + below] == list("abcde")
    figure.canvas.draw()
    assert top[0].get_position().width > below[0].get_position().width


def test_a_trial_shows_every_frame_and_asks_where_the_trigger_is():
    trial = pd.DataFrame(task_tables()["example_trials"]).query("trial == 1")
    _, axes = figures.grid(1, 1, height=2)
    figures.trial_strip(axes[0, 0], trial)
    assert len(axes[0, 0].images) == 6
    words = {text.get_text(): text.get_position()[0] for text in axes[0, 0].texts}
    assert words["3"] == 5
    assert "delay 4" in words
    assert [text.get_text() for text in axes[0, 0].texts].count("null") == 5


def test_a_schedule_holds_to_the_end_of_training():
    stages = pd.DataFrame(task_tables()["schedules"]).query("curriculum == 'vocabulary'")
    _, axes = figures.grid(1, 1, height=2)
    figures.schedule(axes[0, 0], stages, y="n_classes", name="classes")
    (line,) = axes[0, 0].patches
    assert line.get_data().values.tolist() == [2, 6]
    assert line.get_data().edges.tolist() == [0, 0.5, 1]
    assert line.get_label() == "growing vocabulary"


@pytest.fixture
def looked_at():
    """Return states, lines and eigenvalues of one network."""
    return {
        name: pd.DataFrame(rows)
        for name, rows in network_tables(("lstm-decu",), learned=True).items()
    }


def test_the_panels_of_a_network_show_every_state_once_from_the_same_side(looked_at):
    _, axes = figures.grid(3, 1, height=1.5)
    figures.state_panels(axes[:, 0], looked_at["states"], looked_at["between"])
    for axis, mark, share in zip(
        axes[:2, 0], ("o", "x"), ("20 steps: 100% right", "1000 steps: 0% right"), strict=True
    ):
        drawn = [
            line.get_marker()
            for line in axis.lines
            for _ in line.get_xdata()
            if line.get_linestyle() == "None"
        ]
        assert (drawn.count(mark), drawn.count("D")) == (10, 10)
        assert share in [text.get_text() for text in axis.texts]
    assert axes[0, 0].get_xlim() == axes[1, 0].get_xlim()
    assert axes[0, 0].get_ylim() == axes[1, 0].get_ylim()
    assert axes[0, 0].get_title() == "LSTM\ngrowing\ndelays\n"
    assert len(axes[2, 0].collections) == 2


def test_a_line_between_slow_points_has_the_colour_of_what_is_read_out_there(looked_at):
    lines = looked_at["between"].query("other == 1").assign(label=[4, -1, 1])
    _, axes = figures.grid(3, 1, height=1.5)
    figures.state_panels(axes[:, 0], looked_at["states"], lines)
    (drawn,) = axes[2, 0].collections
    assert [mpl.colors.to_hex(colour) for colour in drawn.get_colors()] == [
        CLASSES[4],
        mpl.colors.to_hex(GREY),
    ]


def test_a_spectrum_shows_the_unit_circle_and_all_eigenvalues(looked_at):
    _, axes = figures.grid(1, 1, height=2)
    figures.spectrum(axes[0, 0], looked_at["eigenvalues"].assign(real=-2.0))
    assert axes[0, 0].patches[0].radius == 1
    assert len(axes[0, 0].lines[0].get_xdata()) == 10
    assert axes[0, 0].get_xlim()[0] < -2


def test_the_grey_lines_are_the_errors_that_2_and_5_bits_per_parameter_allow():
    axis = figures.grid(1, 1, height=2)[1][0, 0]
    axis.set(xscale="log", xlim=(500, 4000))
    figures.allowed_errors(axis, pd.DataFrame({"n_samples": [20_000], "tau": [100]}))
    ends = {round(float(line.get_ydata()[-1]), 3) for line in axis.lines}
    assert ends == {0.29, 0.124}
    assert axis.get_xlim() == (500, 4000)
    assert not axis.get_legend_handles_labels()[0], "the legend of the figure is of networks alone"


def test_a_change_is_that_of_the_network_with_the_same_seed():
    rows = [
        ("control", 0, 1.0),
        ("control", 1, 2.0),
        ("other", 1, 5.0),
        ("other", 0, 3.0),
        ("other", 2, 9.0),
    ]
    found = figures.changes(
        pd.DataFrame(rows, columns=["arm", "seed", "y"]), y="y", control="control"
    )
    assert found[["arm", "seed", "change"]].to_numpy().tolist() == [
        ["other", 1, 3.0],
        ["other", 0, 2.0],
    ]


def test_a_change_in_decades_is_the_logarithm_of_a_ratio():
    rows = [("control", 0, 0.02), ("other", 0, 0.2)]
    found = figures.changes(
        pd.DataFrame(rows, columns=["arm", "seed", "y"]), y="y", control="control", log=True
    )
    assert found["change"].tolist() == pytest.approx([1.0])


def test_arms_are_drawn_in_groups_with_their_mean_and_its_interval():
    rows = [("none", seed, 0.0) for seed in range(4)] + [
        ("some", seed, float(seed)) for seed in range(4)
    ]
    compared = figures.changes(
        pd.DataFrame(rows, columns=["arm", "seed", "y"]), y="y", control="none"
    )
    _, axes = figures.grid(1, 1, height=1.5)
    figures.changes_by_arm(
        axes[0, 0], compared, groups={"red": {"absent": "not there"}, "blue": {"some": "some arm"}}
    )
    drawn = axes[0, 0].lines
    assert [text.get_text() for text in axes[0, 0].get_yticklabels()] == ["some arm"]
    assert drawn[0].get_xdata().tolist() == [0, 1, 2, 3]
    assert drawn[2].get_xdata()[0] == 1.5  # the mean
    low, high = drawn[1].get_xdata()
    # Student's interval of 0, 1, 2, 3 is 1.5 ± 2.05; the bootstrap's is near it
    assert low < 0 < 1.5 < high < 4
