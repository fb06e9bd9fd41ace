"""The whole spectrum at the slow points of one network per arm, the one that `states` shows, as a table to be drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from slowpoints.analyses._chosen import representatives
from slowpoints.analyses._delayed import as_table
from slowpoints.records import identity
from slowpoints.stack import Group

NEEDS: tuple[str, ...] = ("slow_points", "memory_curve")
COLUMNS = ("class", "real", "imaginary")


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(
    groups: list[Group],
    *,
    records: list[dict[str, Any]],
    settings: Settings,
    tables: dict[str, pd.DataFrame],
    arrays: dict[str, dict[str, Tensor]],
    data_dir: Path,
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """Return one row per chosen network, class and eigenvalue of the Jacobian at the class's slow point."""
    rows = [
        identity(record) | {"class": k, "real": real, "imaginary": imaginary}
        for group in representatives(groups, tables["memory_curve"])
        for record in group.records
        for k, own in enumerate(arrays["slow_points"][f"{record['id']}/eigenvalues"].tolist())
        for real, imaginary in own
    ]
    return as_table(rows, records=records, columns=COLUMNS), {}
