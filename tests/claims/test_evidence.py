"""Evidence: p and verdict agree, clusters are what is independent, and what a claim would take."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from slowpoints.claims.estimate import Estimate, estimate
from slowpoints.claims.evidence import needed, needed_text, p_value
from slowpoints.claims.judge import counted, verdict
from slowpoints.measures.statistics import Interval, benjamini_hochberg
from slowpoints.spec import claims as spec


def mean_of(
    values: np.ndarray, *, study: np.ndarray | None = None, **region
) -> tuple[spec.Test, Estimate]:
    table = pd.DataFrame({"run": [str(i) for i in range(len(values))], "seed": 0, "y": values})
    cluster = None
    if study is not None:
        table, cluster = table.assign(study=study), ("study",)
    test = spec.Test("mean", "outcomes", y="y", cluster=cluster, **region)
    return test, estimate(test, table)


def test_p_is_near_students_for_a_mean():
    values = np.random.default_rng(0).normal(0.5, 1, 24)
    test, found = mean_of(values, above=0)
    wanted = stats.ttest_1samp(values, 0).pvalue
    assert p_value(test, found) == pytest.approx(wanted, rel=0.25)


@pytest.mark.parametrize(
    "region", [{"above": 0.2}, {"below": 0.9}, {"above": 0.1, "below": 1.0}, {"apart": 0.2}]
)
def test_p_is_below_five_percent_where_the_claim_holds_and_only_there(region):
    rng = np.random.default_rng(1)
    reached = set()
    for shift in np.linspace(-0.5, 1.5, 25):
        test, found = mean_of(rng.normal(shift, 0.4, 10), **region)
        assert (p_value(test, found) < 0.05) == (verdict(test, found.interval) == "holds")
        reached.add(verdict(test, found.interval))
    assert reached >= {"holds", "undecided"}


def test_reruns_of_one_study_count_as_one():
    rng = np.random.default_rng(2)
    study = np.repeat(np.arange(6), 4)
    values = np.repeat(rng.normal(0, 1, 6), 4) + rng.normal(0, 0.1, 24)
    _, alone = mean_of(values, above=0)
    _, together = mean_of(values, study=study, above=0)
    assert counted(together) == "24 networks of 6 studies"
    assert counted(alone) == "24 networks"
    width = [own.interval.high - own.interval.low for own in (alone, together)]
    assert width[1] > 2 * width[0]
    own = pd.Series(values).groupby(study).mean()
    half = stats.t.ppf(0.975, 5) * own.std() / np.sqrt(6)
    assert together.interval.high - together.interval.estimate == pytest.approx(half, rel=0.15)


def test_cells_are_the_unit_of_a_paired_difference_where_a_test_says_so():
    table = pd.DataFrame(
        [
            {"run": f"{cell}{i}", "seed": i, "cell": cell, "at": at, "y": (at == "a") * (1 + c)}
            for c, cell in enumerate("xyz")
            for i in range(5)
            for at in "ab"
        ]
    )
    own = {"y": "y", "groups": {"at": ["a", "b"]}, "pair": ("run",), "above": 0}
    pairs = estimate(spec.Test("paired_difference", "t", **own), table)
    cells = estimate(spec.Test("paired_difference", "t", cluster=("cell",), **own), table)
    assert (counted(pairs), counted(cells)) == ("15 pairs", "15 networks of 3 cells")
    assert pairs.interval.low > 0 > cells.interval.low


def test_groups_are_resampled_apart_only_where_no_cluster_spans_them():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        [
            {"run": f"{s}{n}", "seed": s, "study": s, "n": n, "y": 10 + shift + 0.1 * n}
            for s, shift in enumerate(rng.normal(0, 1, 6))
            for n in (1, 5)
        ]
    )
    own = {"y": "y", "groups": {"n": [5, 1]}, "above": 0}
    spanning = estimate(spec.Test("difference", "t", cluster=("study",), **own), table)
    apart = estimate(spec.Test("difference", "t", **own), table)
    assert spanning.interval.low == pytest.approx(0.4)
    assert apart.interval.low < 0


def test_what_an_undecided_claim_would_take():
    test, found = (
        spec.Test("mean", "t", y="y", above=0),
        Estimate(Interval(0.5, -0.5, 1.5), 12, "networks", 12, 12),
    )
    error = 1 / stats.t.ppf(0.975, 11)
    wanted = 12 * ((1.96 + 0.8416) * error / 0.5) ** 2
    assert needed(test, found) == math.ceil(wanted)
    assert needed_text(needed(test, found), "networks") == (
        f"about {math.ceil(wanted)} networks would decide it, were the estimate right"
    )
    assert "more than 1000" in needed_text(math.inf, "studies")
    assert "too few networks" in needed_text(math.nan, "studies")


def test_benjamini_and_hochbergs_correction():
    found = benjamini_hochberg(np.array([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(found, [0.03, np.nan, 0.04, 0.04])
