"""A claim's interval beside the region in which the claim holds, as a small drawing that takes the
page's colours.
"""

import html
import math
from typing import NamedTuple

from slowpoints.claims.printing import estimated
from slowpoints.spec.claims import Test

HEIGHT = 26
MARGIN = 0.12  # of what is drawn, on either side


class Estimate(NamedTuple):
    """What was found."""

    value: float
    low: float
    high: float


def drawing(test: Test, found: Estimate, *, width: int) -> str:
    """Return the interval as SVG; nothing where nothing was estimated."""
    numbers = [number for number in found if not math.isnan(number)]
    if not numbers:
        return ""
    edges = [*numbers, *_edges(test)]
    pad = MARGIN * (max(edges) - min(edges) or 1.0)
    left, right = min(edges) - pad, max(edges) + pad

    def x(number: float) -> float:
        return round((min(max(number, left), right) - left) / (right - left) * width, 1)

    middle = HEIGHT / 2
    parts = [
        f'<rect class="region" x="{x(a)}" y="3" width="{round(x(b) - x(a), 1)}" '
        f'height="{HEIGHT - 6}" rx="3"/>'
        for a, b in _regions(test)
    ]
    if not math.isnan(found.low):
        parts += [
            f'<line class="span" x1="{x(found.low)}" x2="{x(found.high)}" y1="{middle}" '
            f'y2="{middle}"/>'
        ]
    parts += [f'<circle class="dot" cx="{x(found.value)}" cy="{middle}" r="4"/>']
    shown, low, high = estimated(*found)
    words = html.escape(f"{shown}, interval {low} to {high}; holds {test.region()}")
    return (
        f'<svg class="interval" role="img" aria-label="{words}" viewBox="0 0 {width} {HEIGHT}" '
        f'width="{width}"'
        f' height="{HEIGHT}">{"".join(parts)}</svg>'
    )


def _edges(test: Test) -> list[float]:
    found = [edge for edge in (test.above, test.below) if edge is not None]
    return found if test.apart is None else [-test.apart, test.apart]


def _regions(test: Test) -> list[tuple[float, float]]:
    """Return the intervals in which the claim holds."""
    if test.apart is not None:
        return [(-math.inf, -test.apart), (test.apart, math.inf)]
    above = -math.inf if test.above is None else test.above
    return [(above, math.inf if test.below is None else test.below)]
