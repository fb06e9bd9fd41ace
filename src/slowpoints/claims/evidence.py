"""How strongly an interval speaks for its verdict, and what an undecided claim would take.

An interval is an estimate and, on each side, a multiple of its error there: Student's, of as many
degrees of freedom as the smallest group has clusters less one. So its ends give the error back, and
the error any other level. That keeps p and verdict in step: p is below 0.05 where the 95 % interval
excludes what it is tested against.
"""

import math

from scipy import stats

from slowpoints.claims.estimate import Estimate
from slowpoints.spec.claims import Test

POWER = 0.8
MOST = 1000  # units beyond which "more" says enough


def p_value(test: Test, found: Estimate) -> float:
    """Return the two-sided p of the claim being false: of the nearest bound of its region.

    One where the estimate lies outside the region, NaN without an interval. Of a region with two
    bounds it is the larger of both, of `apart` that of the nearer bound.
    """
    if math.isnan(found.interval.low):
        return math.nan
    value = found.interval.estimate
    if test.apart is not None:
        bound = math.copysign(test.apart, value)
        return _p(found, bound) if abs(value) > test.apart else 1.0
    is_free = {"above": test.better == "lower", "below": test.better == "higher"}
    bounds = {"above": test.above, "below": test.below}
    against = [b for name, b in bounds.items() if b is not None and not is_free[name]]
    inside = all(value > b if b == test.above else value < b for b in against)
    return max((_p(found, bound) for bound in against), default=1.0) if inside else 1.0


def needed(test: Test, found: Estimate) -> float:
    """Return how many units would decide the claim with a power of 0.8, were its estimate right.

    NaN without an interval; infinite where the estimate lies on the bound.
    """
    if math.isnan(found.interval.low):
        return math.nan
    value = found.interval.estimate
    bounds = [test.above, test.below] if test.apart is None else [test.apart, -test.apart]
    distances = [(abs(value - bound), bound) for bound in bounds if bound is not None]
    distance, bound = min(distances)
    if distance == 0:
        return math.inf
    wanted = stats.norm.ppf(0.975) + stats.norm.ppf(POWER)
    return math.ceil(found.n_units * (wanted * _error(found, bound) / distance) ** 2)


def needed_text(value: float, unit: str) -> str:
    """Return in words what a claim would take."""
    if math.isnan(value):
        return "too few networks for an interval"
    many = f"more than {MOST}" if value > MOST else f"about {value:.0f}"
    return f"{many} {unit} would decide it, were the estimate right"


def _p(found: Estimate, bound: float) -> float:
    error, distance = _error(found, bound), abs(found.interval.estimate - bound)
    if error == 0:
        return 0.0 if distance else 1.0
    return float(2 * stats.t.sf(distance / error, _freedom(found)))


def _error(found: Estimate, bound: float) -> float:
    """Return the standard error on the side of a bound."""
    value, low, high = found.interval
    reach = value - low if bound < value else high - value
    return float(reach / stats.t.ppf(0.975, _freedom(found)))


def _freedom(found: Estimate) -> int:
    return max(1, found.fewest - 1)
