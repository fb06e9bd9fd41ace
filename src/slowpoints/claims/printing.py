"""How a number is printed, in the README, the paper, the site and under the figures.

One place for all.
"""

import math

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
MOST_DECIMALS = 8


def number(value: float) -> str:
    """Return a number alone: three significant digits, a real minus, a dash for nothing."""
    if math.isnan(value):
        return NOTHING
    return _rounded(value, decimals=_decimals(value, digits=3))


def estimated(estimate: float, low: float, high: float) -> tuple[str, str, str]:
    """Return an estimate and its interval to the same decimals.

    They show two digits of the interval's width, and at most three of the largest number.
    """
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return number(estimate), number(low), number(high)
    largest = max(abs(estimate), abs(low), abs(high))
    decimals = min(_decimals(width, digits=2), _decimals(largest, digits=3))
    return _rounded(estimate, decimals), _rounded(low, decimals), _rounded(high, decimals)


def with_interval(estimate: float, low: float, high: float) -> str:
    """Return an estimate with its interval in brackets."""
    shown, *ends = estimated(estimate, low, high)
    return f"{shown} [{', '.join(ends)}]"


def corrected(p: float) -> str:
    """Return a p value in words, to one digit where it is small."""
    if math.isnan(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _decimals(value: float, *, digits: int) -> int:
    """Return the decimals that show so many significant digits of a number."""
    wanted = 0 if value == 0 else digits - 1 - math.floor(math.log10(abs(value)))
    return min(max(0, wanted), MOST_DECIMALS)


def _rounded(value: float, decimals: int) -> str:
    if math.isnan(value):
        return NOTHING
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)
