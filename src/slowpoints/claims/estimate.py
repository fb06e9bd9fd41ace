"""From one test and one table to one estimate with its interval."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype

from slowpoints.errors import SlowpointsError
from slowpoints.measures import statistics
from slowpoints.measures.statistics import Array, Interval
from slowpoints.spec.claims import EXTREMES, Test

# every network of a group diverged: there is nothing to estimate
NOTHING = Interval(np.nan, np.nan, np.nan)
UNITS = {"run": "networks", "study": "studies", "arm": "cells", "cell": "cells"}
FEWEST_ROWS = 4  # of a network whose own correlation counts: of two rows it is always 1 or -1


class ClaimError(SlowpointsError):
    """A test that its table cannot answer: which one, what is missing, what is there."""


class Estimate(NamedTuple):
    """An estimate, its interval, and what it rests on."""

    interval: Interval
    n_networks: int
    unit: str  # what is independent: networks, pairs of networks, studies, cells
    n_units: int
    fewest: int  # units in the smallest group that is resampled by itself


def estimate(test: Test, table: pd.DataFrame) -> Estimate:
    """Return the estimate of `test` from `table`, its interval clustered by what is independent."""
    rows = rows_of(test, table)
    rows = _telling(test, rows) if test.within else rows
    compute = {
        "paired_difference": _paired,
        "spearman": _relation,
        "slope": _relation,
        "share": _share,
        "share_difference": _share_difference,
    }
    found = compute.get(test.statistic, _of_middles)(test, rows) if len(rows) else NOTHING
    return Estimate(found, rows["run"].nunique(), *_units(test, rows))


def _units(test: Test, rows: pd.DataFrame) -> tuple[str, int, int]:
    """Return what is independent, how many of it there are, and in the smallest group."""
    if test.statistic == "paired_difference" and test.pair and test.cluster is None:
        pairs = rows.groupby([*test.pair])[test.group_column].nunique()
        n = int((pairs == 2).sum())
        return "pairs", n, n
    own = _clusters(test, rows)
    sizes = own.groupby(_strata(test, rows, own)).nunique()
    last = "run" if test.cluster is None else test.cluster[-1]
    return (
        UNITS.get(last, f"values of {last}"),
        own.nunique(),
        int(sizes.min() if len(sizes) else 0),
    )


def _clusters(test: Test, rows: pd.DataFrame) -> pd.Series:
    """Return the number of the cluster that each row belongs to."""
    return rows.groupby(list(test.cluster or ["run"]), sort=False).ngroup()


def _strata(test: Test, rows: pd.DataFrame, cluster: pd.Series) -> pd.Series:
    """Return within which group the cluster of each row is resampled.

    The groups of the test, where no cluster spans two of them and the statistic is of group means.
    """
    column = test.group_column if test.groups else test.by
    if column and len(rows) and rows.groupby(cluster)[column].nunique().max() == 1:
        return rows[column]
    return pd.Series("all", index=rows.index)


def rows_of(test: Test, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `table` that `test` is about, under their places in it."""
    if missing := sorted(test.columns() - set(table.columns)):
        raise ClaimError(
            f"table {test.table} has no column {missing}; it has {sorted(table.columns)}"
        )
    return _usable(test, _selected(test, _filtered(test, table)))


def _filtered(test: Test, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that satisfy `where` and belong to one of the groups."""
    conditions: dict[str, Any] = dict(test.where)
    if test.groups:
        conditions[test.group_column] = list(test.group_values)
    if test.order and test.x:
        conditions[test.x] = list(test.order)
    ordered = sorted(conditions.items(), key=lambda own: own[1] in EXTREMES)  # of what is left
    for column, wanted in ordered:
        present = table[column]
        if wanted in EXTREMES:
            present = present.where(present.isin(_of_every_arm(test, table, column)))
        table = table[_matches(present, wanted)]
        absent = set(wanted) - set(present) if isinstance(wanted, list) else set()
        if table.empty or absent:
            raise ClaimError(
                f"table {test.table} has no row where {column} is "
                f"{sorted(absent, key=str) or wanted}; "
                f"there it is {sorted(present.dropna().unique(), key=str)}"
            )
    return table


def _of_every_arm(test: Test, table: pd.DataFrame, column: str) -> set[Any]:
    """Return the values of a column that every arm of a test has: arms are compared at equals."""
    if not test.arms():
        return set(table[column])
    return set.intersection(*(set(own) for _, own in table.groupby("arm")[column]))


def _matches(column: pd.Series, wanted: Any) -> pd.Series:
    if isinstance(wanted, dict):
        return column.between(wanted.get("from", -np.inf), wanted.get("to", np.inf))
    if wanted in ("smallest", "largest"):
        return column == (column.min() if wanted == "smallest" else column.max())
    return column.isin(wanted if isinstance(wanted, list) else [wanted])


def _selected(test: Test, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the best row of each group of rows that share the `per` columns.

    The first one of equals.
    """
    if test.select is None:
        return rows
    column = test.select.highest or test.select.lowest
    ordered = rows.dropna(subset=[column]).sort_values(
        [column, "run"], ascending=[test.select.highest is None, True], kind="stable"
    )
    return ordered.drop_duplicates(list(test.select.per)).sort_index()


def _usable(test: Test, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with numbers in them, logarithms and ranks of names taken."""
    rows = rows.copy()
    if test.order and test.x:
        rows[test.x] = rows[test.x].map({name: rank for rank, name in enumerate(test.order)})
    if test.empty == "highest":
        rows[test.y] = rows[test.y].fillna(np.inf)
    used = [c for c in (test.x, test.y, test.to, test.by, test.given) if c]
    rows = rows.dropna(subset=used)
    for column in used if test.log else []:
        if (rows[column] <= 0).any():
            raise ClaimError(
                f"table {test.table}: log of {column}, which has values of zero or less"
            )
        rows[column] = np.log10(rows[column])
    return rows


def _codes(values: pd.Series) -> np.ndarray:
    return pd.factorize(values)[0].astype(np.int64)


def _numbers(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=float)


def _of_middles(test: Test, rows: pd.DataFrame) -> Interval:
    """Return the mean, or the difference, ratio or spread of group means or medians.

    One value per network first.
    """
    y = (rows[test.y] - rows[test.to]).abs() if test.to else rows[test.y].astype(float)
    column = test.group_column if test.groups else test.by
    label = rows[column] if column else pd.Series("all", index=rows.index)
    cluster = _clusters(test, rows)
    strata = _strata(test, rows, cluster)
    network = (
        pd.DataFrame(
            {"run": rows["run"], "label": label, "cluster": cluster, "strata": strata, "y": y}
        )
        .groupby(["run", "label"], as_index=False)
        .agg({"y": "mean", "cluster": "first", "strata": "first"})
    )
    names = list(test.group_values) if test.groups else sorted(network["label"].unique())
    if set(names) - set(network["label"]):
        return NOTHING
    values = _numbers(network["y"])
    member = [(network["label"] == name).to_numpy(dtype=float) for name in names]
    if test.statistic == "mean" and set(y) in ({0.0}, {1.0}):  # nothing to resample
        sure = statistics.exact(int(y.sum()), len(y))
        if y.iloc[0] or is_bool_dtype(rows[test.y]):
            return sure
        return sure._replace(low=-sure.high)  # numbers that are never but may be above or below
    middle = statistics.median if test.statistic == "median_difference" else statistics.mean
    combine = {
        "difference": lambda m: m[0] - m[1],
        "median_difference": lambda m: m[0] - m[1],
        "share_difference": lambda m: m[0] - m[1],
        "ratio": lambda m: m[0] / m[1],
        "spread": lambda m: m.max(0) / m.min(0),
    }.get(test.statistic, lambda m: m[0])
    return statistics.interval(
        lambda weights: combine(np.stack([middle(weights * own, values) for own in member])),
        _codes(network["cluster"]),
        group=_codes(network["strata"]),
    )


def _paired(test: Test, rows: pd.DataFrame) -> Interval:
    """Return the mean difference between rows that share the pair columns.

    Whole pairs are resampled, or whole clusters of them.

    Where y is true or false and no pair differs, the ends are the exact bound on the share of pairs
    that do.
    """
    pair = list(test.pair or ())
    by = [*pair, test.group_column]
    if (rows.groupby(by)["run"].nunique() > 1).any():
        raise ClaimError(
            f"table {test.table}: several networks share {by}; name more columns in 'pair'"
        )
    values = rows.groupby(by)[test.y].mean().unstack(test.group_column)
    if set(test.group_values) - set(values):
        return NOTHING
    first, second = test.group_values
    both = (values[first] - values[second]).dropna()
    change = _numbers(both)
    if not len(change):
        raise ClaimError(f"table {test.table}: no two rows of {first} and {second} share {pair}")
    if rows[test.y].dtype == bool and not change.any():
        most = statistics.exact(0, len(change)).high
        return Interval(0.0, -most, most)
    cluster = np.arange(len(change))
    if test.cluster is not None:
        cluster = _codes(_clusters(test, rows).groupby([rows[c] for c in pair]).first()[both.index])
    return statistics.interval(lambda weights: statistics.mean(weights, change), cluster)


def _relation(test: Test, rows: pd.DataFrame) -> Interval:
    """Return the rank correlation or the slope of y on x over all rows.

    Whole clusters are resampled.
    """
    x, y, network = _numbers(rows[test.x]), _numbers(rows[test.y]), _codes(rows["run"])
    cluster = _codes(_clusters(test, rows))
    if test.statistic == "slope":
        return statistics.interval(lambda weights: statistics.slope(weights, x, y), cluster)
    given = _numbers(rows[test.given]) if test.given else None
    if test.within:
        return _within(x, y, network, given)
    return statistics.interval(
        lambda weights: statistics.spearman(weights, x, y, given=given), cluster, limits=(-1.0, 1.0)
    )


def _telling(test: Test, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of networks in which x and y vary, over enough rows to say something."""
    used = [column for column in (test.x, test.y, test.given) if column]

    def tells(own: pd.DataFrame) -> bool:
        return len(own) >= FEWEST_ROWS and bool((own[used].nunique() > 1).all())

    return rows.groupby("run").filter(tells)


def _within(x: Array, y: Array, network: NDArray[np.int64], given: Array | None) -> Interval:
    """Return the mean over networks of the rank correlation in each."""
    own = [
        statistics.spearman(
            np.ones((1, len(rows))), x[rows], y[rows], given=None if given is None else given[rows]
        )[0]
        for rows in (np.flatnonzero(network == one) for one in np.unique(network))
    ]
    found = np.array([rho for rho in own if not np.isnan(rho)])
    if not len(found):  # a third column settles x or y in every network
        return NOTHING
    return statistics.interval(
        lambda weights: statistics.mean(weights, found), np.arange(len(found)), limits=(-1.0, 1.0)
    )


def _share(test: Test, rows: pd.DataFrame) -> Interval:
    """Return the share of rows with x equal to y.

    Each end is the wider of the clustered and Wilson's.
    """
    equal = _numbers(rows[test.x] == rows[test.y])
    own = statistics.interval(
        lambda weights: statistics.mean(weights, equal),
        _codes(_clusters(test, rows)),
        limits=(0.0, 1.0),
    )
    sure = statistics.wilson(int(equal.sum()), len(equal))
    return Interval(own.estimate, min(own.low, sure.low), max(own.high, sure.high))


def _share_difference(test: Test, rows: pd.DataFrame) -> Interval:
    """Return the difference of the shares in which y is true.

    Each end is the wider of the clustered and Newcombe's.
    """
    if not set(rows[test.y].unique()) <= {True, False}:
        raise ClaimError(
            f"table {test.table}: a share of {test.y}, which is not true or false everywhere"
        )
    own = _of_middles(test, rows)
    groups = (
        rows.loc[rows[test.group_column] == name, test.y].astype(int) for name in test.group_values
    )
    first, second = ((int(group.sum()), len(group)) for group in groups)
    sure = statistics.share_difference(first, second)
    return Interval(own.estimate, min(own.low, sure.low), max(own.high, sure.high))
