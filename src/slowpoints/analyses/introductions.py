"""What happens when a class is introduced (Haviv et al. 2019): from which class its slow point
stems, at whose cost.

The parent of a class is the class read out, among those in use, at its tracked point at the last
checkpoint before it is introduced. Then and at the first checkpoint after, memory and speed of the
parent and of the other classes that were there are compared.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.provenance.records import identity

NEEDS: tuple[str, ...] = ("formation",)
COLUMNS = (
    "class",
    "step",
    "parent",
    "from_class",
    "label_before",
    "accuracy_at_{delay}_parent",
    "accuracy_at_{delay}_others",
    "accuracy_at_{delay}_cost",
    "log10_speed_parent",
    "log10_speed_others",
    "log10_speed_cost",
)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per network and class introduced during training.

    parent: -1 where null is read out; from_class: whether it is not; label_before: among all
    outputs, also those not yet trained. <change>_parent, <change>_others: of each accuracy and of
    log10 speed, after minus before; <change>_cost: of the parent minus that of the others.
    """
    table = given.tables["formation"]
    names = list(identity(given.records[0]))
    delays = [name for name in table if name.startswith("accuracy_at_")]
    rows = [
        row | {name: own[name].iloc[0] for name in names}
        for _, own in table.groupby("run", sort=False)
        for row in _introductions(
            own.assign(log10_speed=np.log10(own["speed"])), changes=[*delays, "log10_speed"]
        )
    ]
    columns = ["class", "step", "parent", "from_class", "label_before"]
    columns += [
        f"{name}_{who}" for name in (*delays, "log10_speed") for who in ("parent", "others", "cost")
    ]
    return pd.DataFrame(rows, columns=[*names, *columns]), {}


def _introductions(run: pd.DataFrame, *, changes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what happens at every checkpoint after which more classes are in use.

    run: the rows of one network
    """
    steps = sorted(run["step"].unique())
    by_step = {step: own.set_index("class") for step, own in run.groupby("step")}
    for before, after in itertools.pairwise(steps):
        old, new = by_step[before], by_step[after]
        n_old, n_new = int(old["n_classes"].iloc[0]), int(new["n_classes"].iloc[0])
        for k in range(n_old, n_new):
            parent = int(old.loc[k, "label_in_use"])
            there = list(range(n_old))
            change = new.loc[there, changes] - old.loc[there, changes]
            own = change.loc[parent] if parent >= 0 else pd.Series(np.nan, index=changes)
            others = change.drop(index=parent, errors="ignore").mean()
            yield {
                "class": k,
                "step": after,
                "parent": parent,
                "from_class": float(parent >= 0),
                "label_before": int(old.loc[k, "label"]),
            } | {
                f"{name}_{who}": value
                for name in changes
                for who, value in (
                    ("parent", own[name]),
                    ("others", others[name]),
                    ("cost", own[name] - others[name]),
                )
            }
