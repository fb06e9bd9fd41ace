"""How every run learned: one row per run and look at the validation data."""

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
    """Return step, training loss and validation metrics."""
    parts = [pd.DataFrame(record["curve"]).assign(**identity(record)) for record in records if record["curve"]]
    return pd.concat(parts, ignore_index=True), {}
