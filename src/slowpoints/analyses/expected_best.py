"""What the best of n trials is worth: one row per study and number of trials (Collins et al. 2017,
Fig. 4 and App.).

A study is an arm at one point of the sweep; its trials are scored by what the tuner maximised or
minimised, on the data it saw. Two curves: `expected`, the expected best of n of the N trials drawn
without replacement, and `running`, the best so far in the order in which they were tried, which is
what Fig. 4 e-h and m-p show. The first treats trials as exchangeable. Those of a random sampler
are. Those of a tuner are not: it learns from earlier ones, so `expected` says what n of these
trials were worth, not what a tuner that stops after n would reach. `running` says that, for one
order only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.measures import statistics
from slowpoints.measures.best_of_n import expected_best, resampled, running_best
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity

OF_A_RUN = ("run", "seed", "outcome", "phase")  # what tells the trials of a study apart
COLUMNS = ("metric", "goal", "n_trials", "n_diverged", "n", "expected", "low", "high", "running")
OF_STUDIES = True


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return expected best with its interval, and running best.

    Empty where no trial has ended with a number.

    A trial that diverged counts as the worst that did not. One that was stopped early counts with
    what it had reached. Intervals are 95 %, trials resampled; a bootstrap knows no trial better
    than the best, so where n nears N the upper end is too low.
    """
    trials = [record for record in given.records if record.run.sweep.get("phase") == "trial"]
    names = list(_study(given.records[0])) if given.records else []
    rows = [row for own in _studies(trials) for row in _rows(own)]
    return pd.DataFrame(rows, columns=[*names, *COLUMNS]), {}


def _study(record: Record) -> dict[str, Any]:
    """Return the columns that name a study."""
    return {name: value for name, value in identity(record).items() if name not in OF_A_RUN}


def _studies(trials: list[Record]) -> list[list[Record]]:
    """Return the trials of each study in the order in which they were tried."""
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in sorted(trials, key=lambda record: record.run.seed):
        found.setdefault((record.run.arm, *sorted(record.run.sweep.items())), []).append(record)
    return list(found.values())


def _rows(trials: list[Record]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one study."""
    tuned, n_trials = trials[0].told.tuned, len(trials)
    sign = 1.0 if tuned["goal"] == "highest" else -1.0
    score = sign * np.array([_objective(record) for record in trials])
    is_lost = np.isnan(score)
    size = {"n_trials": n_trials, "n_diverged": sum(record.is_lost for record in trials)}
    running = sign * running_best(score)
    if not is_lost.all():
        score = np.where(is_lost, np.nanmin(score), score)
    expected = sign * expected_best(score)
    draws = sign * expected_best(
        resampled(score, n_resamples=statistics.N_RESAMPLES, seed=statistics.SEED)
    )
    for i in range(n_trials):
        found = statistics.percentiles(float(expected[i]), draws[:, i], n=n_trials)
        yield (
            _study(trials[0])
            | {
                "metric": tuned["metric"],
                "goal": tuned["goal"],
                **size,
                "n": i + 1,
                "running": running[i],
            }
            | {"expected": found.estimate, "low": found.low, "high": found.high}
        )


def _objective(record: Record) -> float:
    """Return what the tuner was told of a trial; NaN where it diverged."""
    value = None if record.is_lost else record.told.valid[record.told.tuned["metric"]]
    return float("nan") if value is None else float(value)
