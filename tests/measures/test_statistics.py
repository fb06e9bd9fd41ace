"""Estimates and intervals against closed forms and scipy."""

import numpy as np
import pytest
from scipy import stats

from slowpoints.measures import statistics
from slowpoints.measures.statistics import (
    interval,
    mean,
    median_steps,
    midranks,
    slope,
    spearman,
    wilson,
)


def ones(n: int) -> np.ndarray:
    return np.ones((1, n))


@pytest.fixture
def noise() -> np.random.Generator:
    return np.random.default_rng(3)


def test_spearman_is_that_of_scipy_also_with_ties(noise):
    x, y = noise.integers(0, 5, 40).astype(float), noise.normal(size=40)
    assert spearman(ones(40), x, y)[0] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_slope_is_that_of_least_squares(noise):
    x, y = noise.normal(size=30), noise.normal(size=30)
    assert slope(ones(30), x, y)[0] == pytest.approx(np.polyfit(x, y, 1)[0], abs=1e-12)


def test_the_median_is_that_of_rows_counted_as_often_as_their_weight(noise):
    y = noise.normal(size=9)
    weights = noise.integers(0, 3, size=(20, 9)).astype(float)
    repeated = [np.median(np.repeat(y, own.astype(int))) for own in weights]
    assert statistics.median(weights, y) == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("statistic", [spearman, slope])
def test_a_weight_of_two_counts_a_row_twice(statistic, noise):
    x, y = noise.normal(size=12), noise.normal(size=12)
    weights = noise.integers(0, 3, size=(1, 12)).astype(float)
    rows = np.repeat(np.arange(12), weights[0].astype(int))
    repeated = statistic(ones(len(rows)), x[rows], y[rows])
    assert statistic(weights, x, y)[0] == pytest.approx(repeated[0], abs=1e-12)


def residual_correlation(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """Return the correlation of what lines on the ranks of z leave of the ranks of x and of y."""
    rx, ry, rz = (stats.rankdata(v) for v in (x, y, z))
    left = [r - np.polyval(np.polyfit(rz, r, 1), rz) for r in (rx, ry)]
    return float(np.corrcoef(*left)[0, 1])


def test_a_partial_correlation_is_that_of_residuals_of_ranks_also_with_ties(noise):
    x, y, z = (
        noise.normal(size=40),
        noise.integers(0, 6, 40).astype(float),
        noise.integers(0, 9, 40).astype(float),
    )
    y, z = y + x.round(), z - x.round()
    assert spearman(ones(40), x, y, given=z)[0] == pytest.approx(
        residual_correlation(x, y, z), abs=1e-12
    )


def test_a_partial_correlation_counts_a_row_as_often_as_its_weight(noise):
    x, y, z = noise.normal(size=(3, 12))
    weights = noise.integers(0, 3, size=(1, 12)).astype(float)
    rows = np.repeat(np.arange(12), weights[0].astype(int))
    expected = residual_correlation(x[rows], y[rows], z[rows])
    assert spearman(weights, x, y, given=z)[0] == pytest.approx(expected, abs=1e-12)


def test_a_partial_correlation_sees_order_alone(noise):
    x, y, z = noise.normal(size=(3, 30))
    found = spearman(ones(30), x, y, given=z)[0]
    assert spearman(ones(30), np.exp(x), y**3, given=np.arctan(z))[0] == found
    assert spearman(ones(30), x, -y, given=z)[0] == pytest.approx(-found, abs=1e-12)
    assert spearman(ones(30), x, y, given=-z)[0] == pytest.approx(found, abs=1e-12)


def test_what_a_third_variable_carries_is_gone_once_it_is_given(noise):
    z = noise.normal(size=4000)
    x, y = z + noise.normal(size=4000), z + noise.normal(size=4000)
    assert spearman(ones(4000), x, y)[0] > 0.4
    assert abs(spearman(ones(4000), x, y, given=z)[0]) < 0.05


def test_a_correlation_given_itself_is_nothing(noise):
    x, y = noise.normal(size=(2, 20))
    for z in (x, np.exp(y), np.zeros(20)):
        assert np.isnan(spearman(ones(20), x, y, given=z))[0]


@pytest.mark.parametrize("statistic", [spearman, slope])
def test_what_does_not_vary_has_no_relation(statistic):
    assert np.isnan(statistic(ones(4), np.ones(4), np.arange(4.0)))[0]


def test_middle_ranks_share_ties():
    assert midranks(ones(4), np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [[2.5, 1.0, 2.5, 4.0]]


@pytest.mark.parametrize("n", [3, 5, 8, 30])
def test_the_interval_of_a_mean_covers_as_it_promises(n, noise):
    data = noise.normal(size=(100, n))
    found = [interval(lambda w, y=y: mean(w, y), np.arange(n)) for y in data]
    assert np.mean([i.low <= 0 <= i.high for i in found]) >= 0.9


def test_the_interval_of_a_mean_is_that_of_student(noise):
    y = noise.normal(size=60)
    found = interval(lambda w: mean(w, y), np.arange(60))
    student = stats.ttest_1samp(y, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((student.low, student.high), abs=0.03)


def test_points_of_one_network_are_not_independent(noise):
    network = np.repeat(np.arange(10), 20)
    y = noise.normal(size=10)[network] + 0.01 * noise.normal(size=200)
    clustered = interval(lambda w: mean(w, y), network)
    naive = interval(lambda w: mean(w, y), np.arange(200))
    assert clustered.high - clustered.low > 3 * (naive.high - naive.low)


def test_groups_are_resampled_apart():
    group = np.array([0, 0, 0, 1, 1])
    weights = statistics.resampled(np.arange(5), group)
    assert (weights[:, :3].sum(1) == 3).all()
    assert (weights[:, 3:].sum(1) == 2).all()


def test_an_interval_is_the_same_every_time(noise):
    y = noise.normal(size=9)
    assert interval(lambda w: mean(w, y), np.arange(9)) == interval(
        lambda w: mean(w, y), np.arange(9)
    )


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_networks_give_an_estimate_without_an_interval(n):
    found = interval(lambda w: mean(w, np.full(n, 2.0)), np.arange(n))
    assert found.estimate == 2.0
    assert np.isnan([found.low, found.high]).all()


def test_a_correlation_stays_within_its_limits():
    x = np.arange(5.0)
    assert interval(lambda w: spearman(w, x, x), np.arange(5), limits=(-1.0, 1.0)).high == 1.0


def test_wilson_is_honest_at_one_and_empty_without_data():
    n, z = 8, stats.norm.ppf(0.975)
    assert wilson(n, n).low == pytest.approx(n / (n + z**2), abs=1e-12)
    assert np.isnan(wilson(0, 0).estimate)


def test_the_median_of_uncensored_steps_is_the_sample_median():
    assert median_steps(np.array([5.0, 1.0, 3.0]), np.array([True, True, True])) == 3.0


def test_the_median_is_infinite_when_most_networks_never_solve():
    assert median_steps(np.array([5.0, 9.0, 9.0]), np.array([True, False, False])) == np.inf


def test_the_median_of_nothing_is_nothing():
    assert np.isnan(median_steps(np.array([]), np.array([], dtype=bool)))


def test_a_network_lost_early_weighs_on_those_watched_longer():
    steps, solved = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, True, True])
    assert median_steps(steps, solved) == 3.0  # Kaplan-Meier: 2/3, 1/3, 0


def test_a_difference_of_shares_has_the_interval_of_newcombe():
    # the example of Newcombe (1998), method 10: 56/70 - 48/80
    found = statistics.share_difference((56, 70), (48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert statistics.share_difference((48, 80), (56, 70)) == pytest.approx(
        (-0.2, -0.3339, -0.0524), abs=5e-5
    )


def test_two_shares_of_zero_may_still_differ():
    found = statistics.share_difference((0, 24), (0, 24))
    assert found.low < 0 < found.high
    assert np.isnan(statistics.share_difference((0, 0), (0, 24)).low)


def test_the_correction_of_holm_counts_the_tests_that_are_left():
    # p times the number of hypotheses not yet rejected, never falling; a NaN is no test
    found = statistics.holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005]))
    assert found == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    assert statistics.holm(np.array([0.9, 0.8])) == pytest.approx([1, 1])
    assert statistics.holm(np.array([])).size == 0
