"""`find_points` against FixedPointFinder itself, unmodified: the same networks, starts and core."""

import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.flip_flop import BITS, case, trained
from bench.measure import processor
from bench.report import table
from slowpoints.dynamics import find_points, merge_duplicates, module_map, speed

N_STARTS, NOISE = 1000, 0.1
SEED = 1  # of the networks: others than those that the search was written on
SETTINGS = ((16, 3e-3), (64, 3e-3), (64, 1e-2), (200, 3e-3))  # units, learning rate of training
RATES = (1.0, 0.1, 0.01)  # of FixedPointFinder; the first is its default
CONVERGED, SAME = 1e-12, 1e-3  # q of a fixed point; distance within which two are one
OURS = "find_points"


def run(clone: Path) -> dict[str, Any]:
    """Return all measurements as plain values.    clone: its folder"""
    torch.set_num_threads(1)
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "commit": _commit(clone),
        "starts": N_STARTS,
        "cases": [_measured(units, rate, clone) for units, rate in SETTINGS],
    }


def _commit(clone: Path) -> str:
    asked = subprocess.run(
        ["git", "-C", str(clone), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _measured(units: int, rate: float, clone: Path) -> dict[str, Any]:
    """Return what every search finds of one network, and its CPU time."""
    gru, error = trained(units, rate=rate, seed=SEED)
    starts = case(gru, error, n_starts=N_STARTS, noise=NOISE).starts
    find_points(gru, starts[:5])  # what torch loads at first use is not of interest here
    found, seconds = _timed(lambda: find_points(gru, starts))
    rows: dict[str, dict[str, Any]] = {
        OURS: {
            "seconds": seconds,
            "settled": 1 - found.n_open / int(found.count.sum() + found.n_left + found.n_open),
            "fixed": len(_distinct(gru, found.fixed.states)),
            "slow": len(found.slow),
        }
    }
    for own in RATES:
        ends, seconds = _timed(partial(_finder, gru, starts, clone, own))
        rows[f"FixedPointFinder, rate {own:g}"] = {
            "seconds": seconds,
            "settled": float((_q(gru, ends) < CONVERGED).double().mean()),
            "fixed": len(_distinct(gru, ends)),
            "slow": None,
        }
    return {"units": units, "rate": rate, "error": error, "searches": rows}


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def _finder(gru: nn.GRU, starts: Tensor, clone: Path, rate: float) -> Tensor:
    """Return where the search of FixedPointFinder ends from every start.    -> [N, H]"""
    if str(clone) not in sys.path:
        sys.path.insert(0, str(clone))
    from FixedPointFinderTorch import FixedPointFinderTorch  # type: ignore[import-not-found]

    with contextlib.redirect_stdout(io.StringIO()):
        finder = FixedPointFinderTorch(gru, lr_init=rate, verbose=False)
        _, ends = finder.find_fixed_points(starts.float().numpy(), torch.zeros(1, BITS).numpy())
    return torch.from_numpy(ends.xstar).double()


def _q(gru: nn.GRU, h: Tensor) -> Tensor:
    return 0.5 * speed(module_map(gru, torch.zeros(BITS)), h).square()


def _distinct(gru: nn.GRU, h: Tensor) -> Tensor:
    fixed = h[_q(gru, h) < CONVERGED]
    return fixed[merge_duplicates(fixed, radius=SAME).unique()] if len(fixed) else fixed


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    return (
        "\n\n".join(
            [
                "# find_points beside FixedPointFinder",
                f"Written by `make bench-find-points` on one core of {found['processor']}, torch "
                f"{found['torch']}, in CPU time of one thread, each search once. FixedPointFinder "
                "(Golub & Sussillo 2018) is its own code, unmodified, at commit "
                f"`{found['commit'][:12]}`; rate 1 is its default. An `nn.GRU` is trained to hold "
                f"three bits; all searches start from the same {found['starts']:,} states of its "
                "trajectories, with normal noise of 0.1 on each unit. Three bits have 27 fixed "
                "points where training has gone well.",
                "*Settled*: of ours, searches that ended by its rule, fixed (speed at most 1e-10), "
                "slow, or drawn out of the range of the states; of FixedPointFinder, starts with "
                "q < 1e-12, recomputed in float64: it has no rule for slow points. *Fixed*: "
                "distinct points with q < 1e-12, wherever they lie: it has no box. *Ratio*: its "
                "time over ours; the aim, fixed beforehand, was 30. Where training leaves many "
                "multipliers near one, whole Jacobians and the descent take most of our time. "
                "FixedPointFinder's time is that of its search; ours is that of all: the search, a "
                "second one from between the points, eigenvalues. Networks of 500 units are not in "
                "the table: `find_points` on one of them was stopped after 40 minutes of a core.",
                table(
                    ["units", "trained at", "search", "s", "ratio", "settled", "fixed", "slow"],
                    [row for case in found["cases"] for row in _rows(case)],
                ),
            ]
        )
        + "\n"
    )


def _rows(case: dict[str, Any]) -> list[list[str]]:
    ours = case["searches"][OURS]["seconds"]
    return [
        [
            str(case["units"]),
            f"{case['rate']:g}",
            name,
            f"{row['seconds']:.3g}",
            f"{row['seconds'] / ours:.1f}",
            f"{100 * row['settled']:.1f} %",
            str(row["fixed"]),
            "" if row["slow"] is None else str(row["slow"]),
        ]
        for name, row in case["searches"].items()
    ]
