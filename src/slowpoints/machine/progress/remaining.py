"""When a run will be done: from what its finished jobs took beside what they were expected
to take.
"""

import math
from typing import NamedTuple

from slowpoints.machine import costs

FEW = 5  # finished jobs, below which the range is not measured but assumed
ASSUMED = 2.0  # ... a factor, either way
Z = 1.28  # standard deviations of a normal law beyond which a tenth lies on either side


class Left(NamedTuple):
    """Seconds until the end, their range, and how they were reckoned."""

    seconds: float
    low: float
    high: float
    basis: str


class Prices(NamedTuple):
    """What jobs are expected to take, in wall seconds on the machine of the page of costs."""

    scale: str
    kept: dict[str, dict[str, float]]

    def of(self, job: str) -> float:
        """Return the expected cost of one job.

        Measured at this scale, or reckoned from its plan.
        """
        known = self.kept.get(self.scale, {})
        return max(
            0.1,
            known[job] if job in known else costs.expected(self.scale, job, self.kept["laptop"]),
        )


class Pace(NamedTuple):
    """How many seconds a job takes here for each second expected, and how much this differs between
    jobs.
    """

    ratio: float
    spread: float  # standard deviation of the logarithm, over jobs
    n: int


def pace(took: dict[str, float], prices: Prices) -> Pace:
    """Return the pace of finished jobs; large jobs count as much as their seconds."""
    if not took:
        return Pace(1.0, math.log(ASSUMED) / Z, 0)
    expected = {job: prices.of(job) for job in took}
    total = sum(expected.values())
    ratio = max(0.01, sum(took.values())) / total
    logs = [(expected[job], math.log(max(0.01, took[job]) / expected[job] / ratio)) for job in took]
    spread = math.sqrt(sum(weight * own**2 for weight, own in logs) / total)
    return Pace(ratio, spread if len(took) >= FEW else math.log(ASSUMED) / Z, len(took))


def left(rest: dict[str, float], own: Pace, *, width: float) -> Left:
    """Return when the rest is done.    rest: expected seconds of each job; width: jobs at once"""
    if not rest:
        return Left(0.0, 0.0, 0.0, "nothing is left")
    seconds = own.ratio * max(sum(rest.values()) / width, max(rest.values()))
    # Errors of single jobs average out, that of the pace as a whole does not: half of the spread is
    # taken as common.
    common, single = own.spread / 2, own.spread / math.sqrt(len(rest))
    factor = math.exp(Z * math.hypot(common, single))
    basis = (
        f"{own.n} finished jobs took {own.ratio:.2g} times what docs/benchmarks/costs.md says, "
        f"{width:.1f} at once"
    )
    return Left(seconds, seconds / factor, seconds * factor, basis)
