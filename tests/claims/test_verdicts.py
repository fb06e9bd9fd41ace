"""Verdicts beyond holds and fails, and intervals where nothing varies."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.claim_tables import PLAIN, claim, found, networks
from slowpoints.claims.judge import BETTER, NOT_TESTABLE, direction, judge, verdict
from slowpoints.measures.statistics import Interval
from slowpoints.provenance.records import write_table


@pytest.mark.parametrize(
    ("better", "low", "high", "expected"),
    [
        ("lower", -0.81, -0.40, BETTER),
        ("lower", -0.55, -0.21, "holds"),
        ("lower", -0.10, 0.20, "holds"),
        ("lower", 0.10, 0.50, "undecided"),
        ("lower", 0.40, 0.50, "fails"),
        ("higher", 0.40, 0.50, BETTER),
        ("higher", 0.10, 0.50, "holds"),
        ("higher", -0.50, 0.00, "undecided"),
        ("higher", -0.50, -0.40, "fails"),
    ],
)
def test_being_better_does_not_count_against_being_as_good(better, low, high, expected):
    test = claim(PLAIN | {"above": -0.3, "below": 0.3, "better": better}).test
    assert verdict(test, Interval((low + high) / 2, low, high)) == expected


@pytest.mark.parametrize(
    ("region", "low", "high", "word"),
    [
        ({"above": 0.0}, -2.0, -1.0, "lower"),
        ({"below": 0.0}, 1.0, 2.0, "higher"),
        ({"above": -1.0, "below": 1.0}, 1.5, 2.5, "higher"),
        ({"above": -1.0, "below": 1.0}, -2.5, -1.5, "lower"),
        ({"apart": 1.0}, -0.5, 0.5, "no difference"),
    ],
)
def test_a_claim_that_fails_says_in_which_direction(region, low, high, word):
    test = claim({key: value for key, value in PLAIN.items() if key != "above"} | region).test
    interval = Interval((low + high) / 2, low, high)
    assert direction(test, interval, verdict(test, interval)) == word


def test_a_claim_that_nothing_could_decide_keeps_its_estimate_and_says_why(tmp_path: Path):
    path = tmp_path / "outcomes.csv"
    write_table(path, networks().assign(outcome="ok"))
    claims = [claim(PLAIN, untestable={"laptop": "too small"}), claim(PLAIN, id="other")]
    experiment = SimpleNamespace(name="e", paper="long2016", claims=claims)
    capped, free = judge([experiment], {("e", "outcomes"): path}, scale="laptop")
    assert (capped["verdict"], capped["why"]) == (NOT_TESTABLE, "too small")
    assert (free["verdict"], free["why"]) == ("holds", "")
    assert capped["estimate"] == free["estimate"]


def test_where_no_pair_differs_the_interval_is_the_exact_bound_on_pairs_that_do():
    rows = [
        {"run": f"{cell}{n}", "seed": n, "cell": cell, "solved": True}
        for cell in ("pru", "gru")
        for n in range(40)
    ]
    test = {
        "statistic": "paired_difference",
        "table": "t",
        "groups": {"cell": ["pru", "gru"]},
        "pair": ["seed"],
        "y": "solved",
        "above": -0.2,
        "below": 0.2,
    }
    interval = found(test, pd.DataFrame(rows))
    assert interval.estimate == 0
    assert (interval.low, interval.high) == pytest.approx(
        (0.025 ** (1 / 40) - 1, 1 - 0.025 ** (1 / 40))
    )


def test_where_every_row_is_true_the_interval_of_their_mean_is_exact():
    table = pd.DataFrame({"run": list("aabbcc"), "seed": [0, 0, 1, 1, 2, 2], "y": [1.0] * 6})
    interval = found({"statistic": "mean", "table": "t", "y": "y", "above": 0.5}, table)
    assert interval == pytest.approx((1.0, 0.025 ** (1 / 6), 1.0))


@pytest.mark.parametrize(("nothing", "low"), [(False, 0.0), (0.0, 0.025 ** (1 / 6) - 1)])
def test_where_every_row_is_nothing_a_number_may_lie_on_both_sides(nothing: object, low: float):
    table = pd.DataFrame({"run": list("aabbcc"), "seed": [0, 0, 1, 1, 2, 2], "y": [nothing] * 6})
    interval = found({"statistic": "mean", "table": "t", "y": "y", "above": 0.5}, table)
    assert interval == pytest.approx((0.0, low, 1 - 0.025 ** (1 / 6)))
