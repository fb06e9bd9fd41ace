"""Rank correlations of memory with speed and its rivals, against the statistics themselves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slowpoints.analyses import predictors
from slowpoints.analyses._given import Given
from slowpoints.measures import statistics


def longevity(n_seeds: int = 4) -> pd.DataFrame:
    """Return five classes of networks of two cells and two curricula.

    Slower points are remembered for longer.
    """
    draw = np.random.default_rng(1)
    rows = [
        {
            "run": f"{cell}-{curriculum}/{seed}",
            "cell": cell,
            "curriculum": curriculum,
            "class": k,
            "speed": speed,
            "noisy_speed": speed + 1,
            "scatter": draw.normal(),
            "spectral_radius": 1 + draw.normal() / 9,
            "distance": draw.normal(),
            "nominal": draw.normal(),
            "half_life": 1 / speed + draw.normal(),
            "accuracy_at_4": 1.0,
            "accuracy_at_100": draw.normal() - speed,
        }
        for cell in ("gru", "lstm")
        for curriculum in ("delay", "none")
        for seed in range(n_seeds)
        for k in range(5)
        for speed in [draw.uniform(0.1, 1)]
    ]
    return pd.DataFrame(rows)


def table_of(given: pd.DataFrame) -> pd.DataFrame:
    return predictors.run(Given([], [], predictors.Settings(), {"longevity": given}, {}, Path()))[0]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return table_of(longevity())


def test_there_is_a_row_per_scope_outcome_and_predictor(table):
    assert list(table) == list(predictors.COLUMNS)
    scopes = table.drop_duplicates(["cell", "curriculum"]).set_index(["cell", "curriculum"])
    assert len(scopes) == 7
    assert (scopes.loc[("gru", "delay"), ["n_networks", "n_classes"]] == [4, 20]).all()
    assert (scopes.loc[("gru", "all"), ["n_networks", "n_classes"]] == [8, 40]).all()
    assert (scopes.loc[("all", "all"), ["n_networks", "n_classes"]] == [16, 80]).all()
    assert len(table) == 7 * 3 * len(predictors.PREDICTORS)
    assert set(table["outcome"]) == {"half_life", "accuracy"}
    assert set(table["delay"].dropna()) == {4, 100}
    assert (table["delay"].isna() == (table["outcome"] == "half_life")).all()


@pytest.mark.parametrize(
    ("cell", "curriculum"), [("gru", "delay"), ("lstm", "all"), ("all", "all")]
)
@pytest.mark.parametrize("predictor", ["speed", "rate", "distance"])
def test_every_number_is_that_of_the_statistic_claims_use(table, cell, curriculum, predictor):
    own = longevity().assign(rate=lambda t: np.log(t["spectral_radius"]).abs())
    for column, wanted in (("cell", cell), ("curriculum", curriculum)):
        own = own if wanted == "all" else own[own[column] == wanted]
    x, y, z = (own[name].to_numpy() for name in (predictor, "accuracy_at_100", "nominal"))
    network = pd.factorize(own["run"])[0].astype(np.int64)
    plain = statistics.interval(lambda w: statistics.spearman(w, x, y), network, limits=(-1.0, 1.0))
    partial = statistics.interval(
        lambda w: statistics.spearman(w, x, y, given=z), network, limits=(-1.0, 1.0)
    )
    row = table.query(
        "cell == @cell and curriculum == @curriculum and predictor == @predictor and delay == 100"
    ).iloc[0]
    assert tuple(row[["rho", "low", "high"]]) == pytest.approx(tuple(plain), abs=1e-12)
    assert tuple(row[["partial", "partial_low", "partial_high"]]) == pytest.approx(
        tuple(partial), abs=1e-12
    )
    assert row["mean"] == pytest.approx(y.mean())


def test_speed_predicts_and_noise_does_not(table):
    own = table.query("cell == 'all' and outcome == 'half_life'").set_index("predictor")
    assert own["high"]["speed"] < -0.5
    assert own["rho"]["noisy_speed"] == pytest.approx(own["rho"]["speed"])  # of the same order here
    assert abs(own["rho"]["scatter"]) < 0.3


def test_where_all_are_known_or_nominal_is_given_itself_there_is_nothing(table):
    assert table.query("delay == 4")["rho"].isna().all()
    own = table.query("predictor == 'nominal'")
    assert own["partial"].isna().all()
    assert own.query("delay == 100")["rho"].notna().all()


def test_two_networks_have_estimates_without_intervals():
    own = table_of(longevity(n_seeds=2)).query(
        "cell == 'gru' and curriculum == 'none' and delay == 100"
    )
    assert own["rho"].notna().all()
    assert own["low"].isna().all()


def test_a_radius_of_zero_and_a_lone_point_have_ranks_and_no_network_no_row():
    own = longevity()
    own.loc[0, "spectral_radius"] = 0.0
    own.loc[0, "distance"] = np.inf
    assert table_of(own).query("delay == 100")["rho"].notna().all()
    assert list(table_of(own[:0])) == list(predictors.COLUMNS)
