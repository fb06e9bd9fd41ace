"""Figures: colours that never move, files equal to the byte, panels and words that tell the truth."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from slowpoints import cells, figures
from slowpoints.figures.style import PALETTE, protocol
from slowpoints.spec.digests import closure


@pytest.fixture(autouse=True)
def _clean():
    plt.switch_backend("agg")
    figures.start()
    yield
    plt.close("all")


def table(**columns) -> pd.DataFrame:
    """Return three seeds of two cells at two loads, some columns replaced."""
    rows = [(cell, load, seed) for cell in ("pru", "gru") for load in (1, 2) for seed in range(3)]
    made = pd.DataFrame(rows, columns=["cell", "load", "seed"])
    made["run"], made["arm"], made["outcome"] = made.index.astype(str), made["cell"], "ok"
    return made.assign(mse=made["load"] / 10, **columns)


def test_every_cell_has_its_own_colour_and_marker():
    assert len({figures.colour(name) for name in cells.names()}) == len(cells.names())
    assert all(figures.marker(name) for name in cells.names())


def test_colours_in_the_palette_are_told_apart():
    channels = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE.values()]
    distance = np.linalg.norm(np.array(channels)[:, None] - np.array(channels), axis=-1)
    assert distance[~np.eye(len(channels), dtype=bool)].min() > 40


def test_a_new_cell_has_a_colour_of_its_own_for_ever():
    assert (figures.colour("my_cell"), figures.marker("my_cell")) == ("#333084", "h")
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
    found = pd.DataFrame(rows, columns=["predictor", "rho"]).assign(cell="gru", curriculum="all", partial=np.nan)
    found = found.assign(low=found["rho"] - 0.1, high=found["rho"] + 0.1, partial_low=np.nan, partial_high=np.nan)
    _, axes = figures.grid(1, 1, height=2)
    figures.predictors_compared(axes[0, 0], found)
    drawn = [line.get_xdata() for line in axes[0, 0].lines if len(line.get_xdata()) == 3]
    assert np.array(drawn) == pytest.approx(np.array([[0.5, -0.4, 0.3]]))


def test_markers_show_the_delays_at_which_there_is_something_to_predict():
    found = pd.DataFrame({"delay": [4, 50, 100, 1000], "mean": [0.9, 0.85, 0.5, 0.1], "rho": [0.0, -0.1, -0.5, 0.0]})
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
    assert figures.means(table(), by="cell", y="mse").startswith("PRU 0.15 [0.10, 0.20]")
    assert figures.correlations(table(), x="load", y="mse") == "PRU 1.00 [1.00, 1.00] and GRU 1.00 [1.00, 1.00]"
    assert figures.correlations(table().assign(mse=1.0), x="load", y="mse").count("nothing to estimate") == 2


def test_the_best_row_of_each_group_is_kept():
    best = figures.best_of(table(), per=["cell", "seed"], y="mse")
    assert (best["load"] == 2).all()
    assert len(best) == 6


def test_the_style_is_part_of_what_a_figure_depends_on():
    assert {"slowpoints.figures.style", "slowpoints.figures.panels", "slowpoints.statistics"} <= set(
        closure("slowpoints.figures")
    )
