"""How much the box of the slow-point search decides: the same search, free to go wherever any class's states were.

The box around each class was chosen on pilot networks, with their correlations in view; this table shows what the
claims that use the speed would say without it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from slowpoints.analyses import slow_points
from slowpoints.stack import Group

NEEDS: tuple[str, ...] = ("slow_points", "longevity")


@dataclass(frozen=True)
class Settings:
    """As those of the analysis slow_points."""

    n_images: int = 100
    max_iterations: int = 1000


def run(
    groups: list[Group],
    *,
    records: list[dict[str, Any]],
    settings: Settings,
    tables: dict[str, pd.DataFrame],
    arrays: dict[str, dict[str, Tensor]],
    data_dir: Path,
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """Return one row per network and class: speed and read-out of the free point, beside what longevity says."""
    own = slow_points.Settings(n_images=settings.n_images, max_iterations=settings.max_iterations, n_deviations=None)
    free, _ = slow_points.run(groups, records=records, settings=own, tables={}, arrays={}, data_dir=data_dir)
    columns = ["run", "class", "speed", "label", "kind", "n_iterations"]
    renamed = free[columns].rename(columns={name: f"free_{name}" for name in columns[2:]})
    return tables["longevity"].merge(renamed, on=["run", "class"], validate="one_to_one"), {}
