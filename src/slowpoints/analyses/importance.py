"""Which hyperparameters decide whether a network trains well: one row per study and hyperparameter.

PED-ANOVA (Watanabe, Bansal & Hutter 2023): how far the values of the best trials are distributed
unlike those of all trials, as a share of the sum over hyperparameters. Numbers are replaced by
their ranks among the trials of the study, so that no scale need be known. Our addition: Collins et
al. (2017) publish their trials and do not ask this.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from scipy.stats import rankdata

from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._studies import columns
from slowpoints.measures import statistics

NEEDS: tuple[str, ...] = ("trials",)
SEED = 20170424  # any number: it only makes the intervals repeatable


@dataclass(frozen=True)
class Settings:
    """Which share of the trials counts as the best, and how many bootstrap draws of trials an
    interval rests on.
    """

    best: float = 0.25  # the library's 0.1 would be two of our 24 trials; it asks for five or more
    n_resamples: int = 100

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.best < 1 or self.n_resamples < 1:
            raise ValueError("importance: best must lie between 0 and 1, n_resamples be at least 1")


def run(given: Given) -> Result:
    """Return each hyperparameter's share of importance for valid_loss, diverged trials as the worst
    of all.

    The scales of single gates (net.input_scale.forget) have rows of their own and one for their sum
    (net.input_scale), which by chance alone is the larger the more gates there are. A
    hyperparameter that some trial lacks is left out. Empty where fewer trials than the best share
    end better than the worst. The intervals take the trials of a study as drawn independently,
    which a tuner's are not.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces every study that it makes
    names = columns(given.records)
    suggested = {record.id: record.run.suggested for record in given.records}
    trials = given.tables["trials"]
    rows = []
    for key, own in trials[trials["phase"] == "trial"].groupby(names, sort=False, dropna=False):
        values = pd.DataFrame([suggested[name] for name in own["run"]]).dropna(axis="columns")
        loss = own["valid_loss"].where(~own["infeasible"]).to_numpy(float)
        found = intervals(values, np.where(np.isnan(loss), np.inf, loss), given.settings)
        study = dict(zip(names, key, strict=True)) | {
            "n": len(own),
            "n_feasible": int((~own["infeasible"]).sum()),
        }
        rows += [
            study | {"hyperparameter": name} | _named(interval) for name, interval in found.items()
        ]
    return pd.DataFrame(
        rows, columns=[*names, "n", "n_feasible", "hyperparameter", "importance", "low", "high"]
    ), {}


def _named(found: statistics.Interval) -> dict[str, float]:
    return {"importance": found.estimate, "low": found.low, "high": found.high}


def intervals(
    values: pd.DataFrame, loss: NDArray[np.float64], settings: Settings
) -> dict[str, statistics.Interval]:
    """Return the importance of every column of `values`, and of gates together, with its interval.
    loss: [n]
    """
    rng = np.random.default_rng(SEED)
    estimate = with_sums(importance(values, loss, best=settings.best))
    drawn = [rng.integers(0, len(loss), len(loss)) for _ in range(settings.n_resamples)]
    draws = [
        with_sums(importance(values.iloc[rows], loss[rows], best=settings.best)) for rows in drawn
    ]
    return {
        name: statistics.percentiles(
            estimate[name], np.array([draw[name] for draw in draws]), n=len(loss), limits=(0.0, 1.0)
        )
        for name in estimate
    }


def with_sums(shares: dict[str, float]) -> dict[str, float]:
    """Return the shares, and for each <block>.<name>.<gate> the sum over gates as
    <block>.<name>.
    """
    gated = [name for name in shares if name.count(".") > 1]
    wholes = dict.fromkeys(".".join(name.split(".")[:2]) for name in gated)
    return shares | {
        whole: sum(shares[name] for name in gated if name.startswith(f"{whole}."))
        for whole in wholes
    }


def importance(values: pd.DataFrame, loss: NDArray[np.float64], *, best: float) -> dict[str, float]:
    """Return the importance of every column of `values`, summing to one.

    NaN where the best trials are not to be told.

    values: n trials; loss: [n], infinite where diverged
    """
    if np.sum(loss < loss.max()) < max(2, np.ceil(best * len(loss))):
        return dict.fromkeys(values, np.nan)
    axes = {name: _axis(column) for name, column in values.items()}
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: coded[row] for name, (_, coded) in axes.items()},
                distributions={name: scale for name, (scale, _) in axes.items()},
                value=place,
            )
            for row, place in enumerate(rankdata(loss, method="dense").tolist())
        ]
    )
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=best))


def _axis(column: pd.Series) -> tuple[BaseDistribution, list[Any]]:
    """Return where the values of a hyperparameter lie, and the values there.

    Ranks in 0..1, or names.
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return FloatDistribution(0, 1), ((rankdata(column) - 0.5) / len(column)).tolist()
    return CategoricalDistribution(sorted(map(str, set(column)))), [str(value) for value in column]
