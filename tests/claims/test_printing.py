"""How numbers are printed: one rule for the README, the paper, the site and the figures."""

import math

import pytest

from slowpoints.claims.printing import estimated, number, with_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.7712, "2.77"),
        (-0.01039, "−0.0104"),
        (36.4, "36.4"),
        (1204.0, "1204"),
        (0.0, "0"),
        (math.nan, "–"),
    ],
)
def test_a_number_alone_has_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ((5.502, 4.651, 6.507), "5.5 [4.7, 6.5]"),
        ((0.0723, 1.81e-05, 0.137), "0.07 [0.00, 0.14]"),
        ((0.025, -0.00113, 0.0773), "0.025 [−0.001, 0.077]"),
        ((-0.003, -0.008, 0.003), "−0.003 [−0.008, 0.003]"),
        ((1.0, 0.9549, 1.0), "1.00 [0.95, 1.00]"),
        ((1.5, 1.5 - 1e-12, 1.5 + 1e-12), "1.50 [1.50, 1.50]"),
        ((1204.0, 1100.0, 1350.0), "1204 [1100, 1350]"),
    ],
)
def test_an_estimate_and_its_interval_have_the_decimals_that_its_width_deserves(found, text):
    assert with_interval(*found) == text


def test_nothing_is_printed_as_minus_zero():
    assert estimated(-0.0004, -0.5, 0.4) == ("0.00", "−0.50", "0.40")


def test_without_an_interval_an_estimate_is_a_number_alone():
    assert with_interval(3.14159, math.nan, math.nan) == "3.14 [–, –]"
    assert with_interval(math.nan, math.nan, math.nan) == "– [–, –]"
