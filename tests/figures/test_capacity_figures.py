"""What the figures of capacity show.

Reruns alone, depths pooled, factors the right way round, every network.
"""

import numpy as np
import pandas as pd
import pytest

from helpers.capacity_tables import capacity_tables
from slowpoints import figures

pytestmark = pytest.mark.usefixtures("_fresh_sheet")


@pytest.fixture
def runs() -> pd.DataFrame:
    """Return trials and reruns of both experiments."""
    made = capacity_tables(learned=True)
    return pd.concat(
        [pd.DataFrame(made[name, "bits"]) for name in ("collins2017-capacity", "collins2017-depth")]
    )


def stored(arm: str, values: list[float], *, budget: int = 600, depth: int = 1) -> pd.DataFrame:
    made = pd.DataFrame(
        {"bits_per_parameter": values, "arm": arm, "cell": arm.partition("-")[0], "budget": budget}
    )
    return made.assign(depth=depth, run=[f"{arm}{budget}{i}" for i in range(len(values))])


def test_of_studies_the_reruns_are_reported_and_of_others_all(runs):
    assert set(figures.reported(runs)["phase"]) == {"rerun"}
    assert 0 < len(figures.reported(runs)) < len(runs)
    assert len(figures.reported(runs.drop(columns="phase"))) == len(runs)


def test_depths_are_shown_together_and_apart_under_the_cell_s_name(runs):
    parts = figures.by_depth(runs)
    assert list(parts) == ["all depths", "depth 1", "depth 2", "depth 4"]
    assert (
        len(parts["all depths"]) == len(runs) == sum(len(own) for own in list(parts.values())[1:])
    )
    assert set(parts["all depths"]["arm"]) == {
        "rnn",
        "rnn-relu",
        "ugrnn",
        "intersection_rnn",
        "a_new_cell",
    }
    assert set(parts["depth 2"]["arm"]) == {"rnn", "intersection_rnn"}
    assert set(parts["depth 4"]["arm"]) == {"ugrnn"}


def test_a_factor_is_what_the_row_stores_over_what_the_column_stores():
    table = pd.concat(
        [stored("lstm", [1.0, 3.0]), stored("rnn", [4.0, 4.0]), stored("gru", [0.0, 0.0])]
    )
    matrix = figures.factors(table)
    assert list(matrix) == ["rnn", "lstm"], "from most to least, without those that store nothing"
    assert matrix.loc["rnn", "lstm"] == pytest.approx(2), (
        "an LSTM needs twice the parameters to store as much as an RNN"
    )
    assert matrix.loc["lstm", "rnn"] == pytest.approx(0.5)
    assert np.diag(matrix) == pytest.approx(1)


def test_every_size_and_depth_counts_as_much_in_a_factor_however_many_networks_it_has():
    rnn = [
        stored("rnn", [4.0] * 5),
        stored("rnn", [2.0], budget=300),
        stored("rnn-2", [3.0], depth=2),
    ]
    matrix = figures.factors(pd.concat([*rnn, stored("gru", [1.0])]))
    assert matrix.loc["rnn", "gru"] == pytest.approx(3)


def test_the_matrix_shows_every_factor_and_none_where_nothing_is_stored():
    _, axes = figures.grid(1, 2, height=2)
    figures.factor_matrix(
        axes[0, 0], figures.factors(pd.concat([stored("rnn", [4.0]), stored("gru", [2.0])]))
    )
    assert [text.get_text() for text in axes[0, 0].texts] == ["1.00", "2.00", "0.50", "1.00"]
    figures.factor_matrix(axes[0, 1], figures.factors(stored("rnn", [0.0])))
    assert not axes[0, 1].texts


def test_the_published_band_stands_at_three_to_six_bits_per_parameter():
    table = stored("rnn", [3.5, 3.6]).assign(bits=2100.0)
    _, axes = figures.grid(1, 2, height=2)
    for axis, y in zip(axes[0], ("bits", "bits_per_parameter"), strict=True):
        figures.knob(axis, table["budget"], "parameters", log=True)
        figures.stored_bits(axis, table, x="budget", y=y)
        at = axis.get_xlim()
        (band,) = axis.collections
        heights = band.get_paths()[0].get_extents().get_points()[:, 1]
        wanted = [3 * at[0], 6 * at[1]] if y == "bits" else [3, 6]
        assert heights == pytest.approx(wanted)
        assert "published mean: 5" in axis.get_legend_handles_labels()[1]


def test_a_gain_is_over_the_mean_of_the_cell_at_the_smallest_value():
    table = pd.concat(
        [stored("rnn", [1.0, 3.0]).assign(n_steps=1), stored("rnn", [5.0]).assign(n_steps=5),
         stored("gru", [0.0]).assign(n_steps=1), stored("gru", [4.0]).assign(n_steps=5)]
    )  # fmt: skip
    found = figures.gains(table, x="n_steps", y="bits_per_parameter")["gain"]
    assert found.tolist() == pytest.approx([0.5, 1.5, 2.5, np.nan, np.nan], nan_ok=True)


def test_hard_and_soft_bits_of_a_network_are_two_rows_told_apart_by_line_style():
    table = stored("rnn-2", [3.0]).assign(soft_bits_per_parameter=4.0)
    found = figures.hard_and_soft(table)
    assert found[["arm", "bits_per_parameter"]].to_numpy().tolist() == [
        ["rnn", 3.0],
        ["rnn-soft", 4.0],
    ]
    assert figures.protocol("rnn-soft")[0] != figures.protocol("rnn")[0]


def test_labels_are_drawn_against_bits_for_every_network_that_stored_something():
    table = stored("rnn", [1.0, 1.0, 1.0]).assign(bits=[100.0, 50.0, 0.0], n_labels=[110, 60, 70])
    _, axes = figures.grid(1, 1, height=2)
    figures.against_information(axes[0, 0], table)
    dots, line = axes[0, 0].lines
    assert (dots.get_xdata().tolist(), dots.get_ydata().tolist()) == ([100, 50], [110, 60])
    assert (line.get_xdata() == line.get_ydata()).all()


def test_slopes_are_those_of_a_power_law_and_of_a_line():
    x = np.array([100.0, 200, 400, 800])
    table = pd.DataFrame({"arm": "rnn", "n_parameters": x, "bits": 3 * x**1.5, "line": 7 + 3 * x})
    assert figures.slopes(table, x="n_parameters", y="bits", log=True) == "RNN 1.50 [1.50, 1.50]"
    assert figures.slopes(table, x="n_parameters", y="line", log=False) == "RNN 3.00 [3.00, 3.00]"


def test_a_study_shows_expected_and_running_best():
    own = pd.DataFrame(
        capacity_tables(learned=True)["collins2017-capacity", "expected_best"]
    ).query("arm == 'ugrnn'")
    _, axes = figures.grid(1, 1, height=2)
    figures.study(axes[0, 0], own[(own["budget"] == 300) & (own["study"] == 0)])
    expected, running = axes[0, 0].lines
    assert expected.get_ydata().tolist() == pytest.approx([2, 2.5, 3 - 1 / 3, 2.75])
    assert running.get_linestyle() == "--"
    assert len(axes[0, 0].collections) == 1
