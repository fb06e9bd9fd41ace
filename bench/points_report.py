"""The measurements of `points` as a page."""

from typing import Any

from bench.points import OURS
from bench.report import table

TARGET = 20  # times less time, fixed beforehand


def points_page(found: dict[str, Any]) -> str:
    """Return the page."""
    parts = [
        "# Slow points",
        f"Written by `make bench-points` on one core of {found['processor']}, torch "
        f"{found['torch']}, in CPU time of "
        "one thread; the contenders take turns in one process. An `nn.GRU` is trained to hold "
        "three bits, "
        "by Adam at the rate given, falling to zero; a rate of 0.01 leaves 64 units with slow "
        "states where a "
        "smaller one leaves fixed points. Both "
        f"searches start from the same {found['starts']:,} states of its trajectories, with "
        "normal noise on each unit.",
        "The baseline is FixedPointFinder's procedure (Golub & Sussillo 2018), written anew: "
        "Adam on all states at "
        "once, in float32, at most 5000 iterations, with four learning rates; rate 1 is its "
        "default in newer versions, "
        "0.05 falling stepwise in older ones. Ours is compared with the best of them: most "
        "starts with q < 1e-12, then "
        "the lower median of q. q is half the squared speed, recomputed in float64 for all.",
        "## Time",
        "*As far as the best*: the time ours takes until the 10, 25, 50, 75 and 90 % quantiles "
        "of q are at or below "
        "those where the best baseline ended. *To the end*: until every point is at rest by "
        "the rule of the search, "
        "fixed or the slowest state around, which the baseline has no rule for; and again from "
        "half-way between any "
        f"two fixed points found, where saddles are. Target: {TARGET} times less; **bold** "
        "where it is missed.",
        table(
            [
                "units",
                "trained at",
                "noise",
                "best baseline",
                "s",
                "ours, as far: steps",
                "s",
                "ratio",
                "ours, to the end: s",
                "ratio",
            ],
            [_times(case) for case in found["cases"]],
        ),
        "## What is found",
        "Shares of the starts. A distinct point has q < 1e-12, lies in the box of reachable "
        "states and is 1e-3 away "
        "from the others. Where ours did not end in a fixed point, it ended in a local minimum "
        "of the speed (*slow*).",
        table(
            [
                "units",
                "trained at",
                "noise",
                "search",
                "s",
                "q < 1e-12",
                "q < 1e-20",
                "in the box",
                "distinct",
                "slow",
                "median q",
            ],
            [_line(case, name) for case in found["cases"] for name in case["searches"]],
        ),
        "## Fixed points of the best baseline that ours did not find, within 1e-2",
        table(
            ["units", "trained at", "noise", "baseline's", "missed", "ours, with midpoints"],
            [_missed(case) for case in found["cases"]],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _case(case: dict[str, Any]) -> list[str]:
    return [str(case[key]) for key in ("units", "rate", "noise")]


def _times(case: dict[str, Any]) -> list[str]:
    seconds = case["searches"][case["best"]]["seconds"]
    whole, far = case["searches"][OURS]["seconds"], case["as far as the best"]
    ahead = (
        [str(far["steps"]), f"{far['seconds']:.3g}", _judged(seconds / far["seconds"])]
        if far
        else ["–"] * 3
    )
    start = [*_case(case), case["best"], f"{seconds:.3g}"]
    return [*start, *ahead, f"{whole:.3g}", _judged(seconds / whole)]


def _line(case: dict[str, Any], name: str) -> list[str]:
    row = case["searches"][name]
    shares = [f"{100 * row[key]:.1f} %" for key in ("converged", "resolved", "inside")]
    slow = f"{100 * row['slow']:.1f} %" if "slow" in row else ""
    values = [str(row["distinct"]), slow, f"{row['deciles of q'][2]:.0e}"]
    return [*_case(case), name, f"{row['seconds']:.3g}", *shares, *values]


def _missed(case: dict[str, Any]) -> list[str]:
    return [
        *_case(case),
        str(case["found by the best"]),
        str(case["missed by ours"]),
        str(case["distinct with midpoints"]),
    ]


def _judged(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio >= TARGET else f"**{ratio:.1f}**"
