"""Do two cells differ in trainability? Tests between the studies of an experiment (Collins et al.
2017, Table App.2).

Compared are the losses of feasible networks, as they are, of every two arms of the same depth,
phase and sweep point. Added to the paper's Welch test: the Mann-Whitney test, which outliers do not
rule, and for both the p corrected after Holm over all pairs that are compared with each other.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._studies import columns
from slowpoints.measures.statistics import holm

NEEDS: tuple[str, ...] = ("trials",)
UNTESTED = {"t": np.nan, "df": np.nan, "p": np.nan, "u": np.nan, "rank_p": np.nan}


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per pair of arms.

    T below zero: the second arm, `other`, has the larger mean loss.
    """
    names = [name for name in columns(given.records) if name not in ("arm", "cell")]
    families = given.tables["trials"].groupby(names, sort=False, dropna=False)
    parts = [_family(own).assign(**dict(zip(names, key, strict=True))) for key, own in families]
    table = pd.concat(parts, ignore_index=True)
    return table[[*names, *(name for name in table if name not in names)]], {}


def _family(own: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of every two arms in `own`."""
    arms = {
        (arm, cell): rows["eval_loss"].dropna()
        for (arm, cell), rows in own.groupby(["arm", "cell"], sort=False)
    }
    pairs = itertools.combinations(arms.items(), 2)
    rows = [
        {
            "arm": a[0],
            "other": b[0],
            "cell": a[1],
            "other_cell": b[1],
            "n": len(x),
            "other_n": len(y),
        }
        | {"mean": x.mean(), "other_mean": y.mean()}
        | compared(x.to_numpy(float), y.to_numpy(float))
        for (a, x), (b, y) in pairs
    ]
    table = pd.DataFrame(rows, columns=[*_HEAD, *UNTESTED])
    return table.assign(
        p_holm=holm(table["p"].to_numpy(float)), rank_p_holm=holm(table["rank_p"].to_numpy(float))
    )


_HEAD = ("arm", "other", "cell", "other_cell", "n", "other_n", "mean", "other_mean")


def compared(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return Welch's t, its degrees of freedom and p; Mann and Whitney's U and p.    x: [n], y: [m]

    All are NaN where a group has fewer than two networks, or losses that do not vary.
    """
    if min(len(x), len(y)) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return UNTESTED
    welch, ranks = stats.ttest_ind(x, y, equal_var=False), stats.mannwhitneyu(x, y)
    found = {
        "t": welch.statistic,
        "df": welch.df,
        "p": welch.pvalue,
        "u": ranks.statistic,
        "rank_p": ranks.pvalue,
    }
    return {name: float(value) for name, value in found.items()}
