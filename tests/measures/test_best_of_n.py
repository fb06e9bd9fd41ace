"""What the best of n trials is worth: closed forms and counting."""

import itertools

import numpy as np
import pytest

from slowpoints.measures.best_of_n import expected_best, resampled, running_best


@pytest.mark.parametrize("values", [[3.0], [1.0, 5.0], [4.0, -1.0, 4.0, 2.5, 0.0, 7.0]])
def test_it_is_the_mean_of_the_best_over_all_ways_to_draw(values):
    found = expected_best(np.array(values))
    for n in range(1, len(values) + 1):
        ways = [max(drawn) for drawn in itertools.combinations(values, n)]
        assert found[n - 1] == pytest.approx(np.mean(ways), rel=1e-12)


def test_the_best_of_one_is_the_mean_and_of_all_the_highest_however_many_there_are():
    values = np.random.default_rng(0).normal(size=3000)
    found = expected_best(values)
    assert found[0] == pytest.approx(values.mean(), abs=1e-9)
    assert found[-1] == pytest.approx(values.max(), rel=1e-9)
    assert (np.diff(found) > -1e-9).all()


def test_of_evenly_spaced_values_it_is_known():
    # the highest of n out of 1 .. N is n (N + 1) / (n + 1) on average
    found = expected_best(np.arange(1.0, 11))
    n = np.arange(1, 11)
    assert found == pytest.approx(n * 11 / (n + 1), rel=1e-12)


def test_leading_axes_are_separate_and_order_does_not_count():
    rows = np.random.default_rng(1).normal(size=(2, 5))
    assert expected_best(rows) == pytest.approx(
        np.stack([expected_best(row[::-1]) for row in rows])
    )


def test_draws_are_of_the_values_with_replacement_and_repeatable():
    values = np.array([1.0, 2.0, 4.0])
    drawn = resampled(values, n_resamples=4000, seed=3)
    assert drawn.shape == (4000, 3)
    assert set(np.unique(drawn)) == {1.0, 2.0, 4.0}
    assert drawn.mean(0) == pytest.approx(np.full(3, 7 / 3), abs=0.08)
    assert (drawn == resampled(values, n_resamples=4000, seed=3)).all()
    assert (np.sort(drawn, 1) == [1, 1, 1]).all(1).any(), "a value may be drawn again"


def test_the_running_best_waits_for_the_first_value_and_passes_over_missing_ones():
    nan = np.nan
    found = running_best(np.array([nan, 2.0, nan, 1.0, 3.0]))
    assert found == pytest.approx([nan, 2.0, 2.0, 2.0, 3.0], nan_ok=True)
