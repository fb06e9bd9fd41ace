"""Networks on one curve over parameters, or over units, or neither."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slowpoints.analyses import coincidence
from slowpoints.analyses._given import Given
from slowpoints.claims.estimate import estimate
from slowpoints.spec.experiment import load

ROOT = Path(__file__).parents[2]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


# as many cells as the claims are judged on: the cell is what is independent there
MANY = GATES | {"irnn": 1, "mgu": 2, "ugrnn": 2, "pru": 2, "lru": 5, "intersection_rnn": 4}


def outcomes(law, cells=GATES) -> pd.DataFrame:
    """Return networks of some cells and four sizes whose error follows a law of (parameters,
    units).
    """
    rows = [
        {
            "run": f"{cell}/{units}/{lr}/{seed}",
            "arm": cell,
            "cell": cell,
            "budget": budget,
            "seed": seed,
            "lr": lr,
            "depth": 1,
            "units": units,
            "n_parameters": gates * units**2,
            "mse": law(gates * units**2, units) * (1 + lr),
            "valid_mse": law(gates * units**2, units) * (1.001 + lr),
        }
        for cell, gates in cells.items()
        for budget in (500, 1000, 2000, 4000)
        for units in [round((budget / gates) ** 0.5)]
        for lr in (0.0, 0.5)
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def table_of(given: pd.DataFrame) -> pd.DataFrame:
    settings = coincidence.Settings("mse")
    return coincidence.run(Given([], [], settings, {"outcomes": given}, {}, Path()))[0]


@pytest.mark.parametrize(
    ("law", "one", "other"),
    [(lambda p, n: p**-0.4, "parameters", "units"), (lambda p, n: n**-0.5, "units", "parameters")],
)
def test_networks_lie_on_the_curve_over_what_their_error_follows(law, one, other):
    mean = table_of(outcomes(law)).groupby("at")["distance"].mean()
    assert mean[one] == pytest.approx(0, abs=1e-9)
    assert mean[other] > 0.05


def test_every_network_stands_once_per_kind_of_size_with_the_learning_rate_that_validation_prefers():
    table = table_of(outcomes(lambda p, n: 1 / p))
    assert len(table) == 2 * 3 * 4 * 3
    assert set(table["lr"]) == {0.0}
    assert (table.groupby("at")["run"].nunique() == 36).all()
    sizes = {at: own["size"].tolist() for at, own in table.groupby("at")}
    assert sizes["units"] == table[table["at"] == "units"]["units"].tolist()
    assert sizes["parameters"] == table[table["at"] == "parameters"]["n_parameters"].tolist()


def test_the_learning_rate_is_not_chosen_by_the_error_that_is_reported():
    given = outcomes(lambda p, n: 1 / p)
    given.loc[given["lr"] == 0.5, "valid_mse"] /= 10
    assert set(table_of(given)["lr"]) == {0.5}


def test_deeper_and_diverged_networks_are_left_out():
    given = outcomes(lambda p, n: 1 / p)
    given.loc[given["cell"] == "lstm", "depth"] = 2
    given.loc[given["seed"] == 1, ["mse", "valid_mse"]] = np.nan
    table = table_of(given)
    assert set(table["cell"]) == {"rnn", "gru"}
    assert set(table["seed"]) == {0, 2}
    given["mse"] = np.nan
    assert table_of(given).empty


@pytest.mark.parametrize("experiment", ["collins2017-functions", "collins2017-text"])
def test_the_claim_holds_where_parameters_decide_and_fails_where_units_do(experiment):
    (claim,) = [
        claim
        for claim in load(
            ROOT / "config" / "experiments" / f"{experiment}.yaml", scale="laptop"
        ).claims
        if claim.test.table == "coincidence"
    ]
    holds = estimate(claim.test, table_of(outcomes(lambda p, n: p**-0.4, MANY))).interval
    fails = estimate(claim.test, table_of(outcomes(lambda p, n: n**-0.5, MANY))).interval
    assert holds.high < claim.test.below < fails.low
