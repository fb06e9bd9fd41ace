"""The search for slow points against its published predecessor.

The same networks and starts, side by side.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bench.adam_search import BASELINES, search
from bench.flip_flop import Case, case, trained
from bench.measure import processor
from slowpoints.dynamics import (
    FIXED,
    SLOW,
    SlowPoints,
    find_slow_points,
    merge_duplicates,
    midpoints,
    speed,
)

N_STARTS = 1000
CONVERGED, RESOLVED = 1e-12, 1e-20  # of q
# distance within which two points are one; and within which a point is found again
SAME, NEAR = (1e-3, 1e-2)
DECILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# of ours, to find after how many it is as far as the baseline
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)
OURS = "ours"


class Setting(NamedTuple):
    """One network and one set of starts."""

    units: int
    # of the network's training: the fast one leaves it slow states where others have fixed points
    rate: float
    noise: float
    rounds: int


SETTINGS = (
    Setting(16, 3e-3, 0.1, rounds=5),
    Setting(64, 3e-3, 0.1, rounds=2),
    Setting(64, 3e-3, 0.5, rounds=1),
    Setting(64, 1e-2, 0.1, rounds=1),
    Setting(200, 3e-3, 0.1, rounds=1),
)


def run() -> dict[str, Any]:
    """Return all measurements as plain values."""
    torch.set_num_threads(1)
    cases = []
    for setting in SETTINGS:
        gru, error = trained(setting.units, rate=setting.rate)
        cases.append(_measured(case(gru, error, n_starts=N_STARTS, noise=setting.noise), setting))
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "starts": N_STARTS,
        "cases": cases,
    }


def ours(task: Case, **settings: Any) -> SlowPoints:
    """Return what the search finds, in the box of reachable states."""
    return find_slow_points(task.F, task.starts, lower=task.lower, upper=task.upper, **settings)


def twice(task: Case) -> tuple[SlowPoints, SlowPoints]:
    """Return what the search finds from the starts, and then from half-way between any two fixed
    points found.
    """
    first = ours(task)
    return first, ours(task._replace(starts=midpoints(_fixed(task, first.point))))


def _measured(task: Case, setting: Setting) -> dict[str, Any]:
    """Return what every contender found, and its cost.

    And the cost of ours to be as far as the best of the others.
    """
    searches: dict[str, Callable[[], Any]] = {OURS: partial(twice, task)}
    for name, (rate, schedule) in BASELINES.items():
        searches[name] = partial(search, task.gru, task.starts, rate=rate, schedule=schedule)
    # what torch loads at first use is not of interest here
    ours(task._replace(starts=task.starts[:5]))
    ends, seconds = _in_turn(searches, setting.rounds)
    found, between = ends.pop(OURS)
    every = torch.cat([found.point, between.point])
    rows = {name: _seen(task, end) | {"seconds": seconds[name]} for name, end in ends.items()}
    best = max(rows, key=lambda name: (rows[name]["converged"], -rows[name]["deciles of q"][2]))
    fixed = _fixed(task, ends[best])
    apart = torch.cdist(fixed, every).min(-1).values if len(fixed) else fixed.new_zeros(0)
    return {
        "units": setting.units,
        "rate": setting.rate,
        "noise": setting.noise,
        "error": task.error,
        "searches": {OURS: _seen(task, found.point) | _kinds(found) | {"seconds": seconds[OURS]}}
        | rows,
        "distinct with midpoints": len(_fixed(task, every)),
        "best": best,
        "found by the best": len(fixed),
        "missed by ours": int((apart > NEAR).sum()),
        "as far as the best": _as_far(task, rows[best]["deciles of q"]),
    }


def _in_turn(
    searches: dict[str, Callable[[], Any]], rounds: int
) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what each search found, and the median of its CPU time over rounds in which they take
    turns.
    """
    ends, seconds = {}, {name: list[float]() for name in searches}
    for _ in range(rounds):
        for name, call in searches.items():
            start = time.process_time()
            ends[name] = call()
            seconds[name].append(time.process_time() - start)
    return ends, {name: statistics.median(values) for name, values in seconds.items()}


def _seen(task: Case, end: Tensor) -> dict[str, Any]:
    """Return how slow the states are where a search ended, recomputed in float64.    end: [N, H]"""
    q = _q(task, end)
    return {
        "converged": float((q < CONVERGED).double().mean()),
        "resolved": float((q < RESOLVED).double().mean()),
        "inside": float(_inside(task, end).double().mean()),
        "distinct": len(_fixed(task, end)),
        "deciles of q": _deciles(q),
    }


def _kinds(found: SlowPoints) -> dict[str, float]:
    return {
        "fixed": float((found.kind == FIXED).double().mean()),
        "slow": float((found.kind == SLOW).double().mean()),
        "steps": float(found.n_iterations.double().mean()),
    }


def _q(task: Case, h: Tensor) -> Tensor:
    return 0.5 * speed(task.F, h).square()


def _deciles(q: Tensor) -> list[float]:
    return q.nan_to_num(nan=torch.inf).quantile(q.new_tensor(DECILES)).tolist()


def _inside(task: Case, h: Tensor) -> Tensor:
    return ((h >= task.lower) & (h <= task.upper)).all(-1)


def _fixed(task: Case, h: Tensor) -> Tensor:
    """Return the distinct fixed points among states, of those inside the box.

    h: [N, H] -> [K, H]
    """
    fixed = h[(_q(task, h) < CONVERGED) & _inside(task, h)]
    return fixed[merge_duplicates(fixed, radius=SAME).unique()]


def _as_far(task: Case, deciles: list[float]) -> dict[str, float] | None:
    """Return after how many steps, and in what time, no decile of q is above these.

    None: not in `STEPS`.
    """
    for steps in STEPS:
        start = time.process_time()
        found = ours(task, max_iterations=steps)
        seconds = time.process_time() - start
        if all(own <= other for own, other in zip(_deciles(found.q), deciles, strict=True)):
            return {"steps": steps, "seconds": seconds}
    return None
