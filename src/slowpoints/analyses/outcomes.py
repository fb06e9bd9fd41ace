"""How every run ended: one row per run, diverged ones included."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from slowpoints.records import identity
from slowpoints.stack import Group


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
    """Return outcome, steps, steps to solve (empty: not within the budget) and final test metrics."""
    rows = [
        identity(record)
        | {name: record[name] for name in ("steps", "steps_to_solve", "solved")}
        | {"lr": record["train"]["lr"], "max_steps": record["train"]["steps"]}
        | record["metrics"]
        for record in records
    ]
    return pd.DataFrame(rows), {}
