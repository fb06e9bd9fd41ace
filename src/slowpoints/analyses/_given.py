"""What every analysis is given, and what it returns."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from torch import Tensor

from slowpoints.provenance.record import Record
from slowpoints.training.stack import Group

Result = tuple[pd.DataFrame, dict[str, Tensor]]  # a tidy table, and arrays by name


class Given(NamedTuple):
    """Trained networks, what is known of them, and the tables that the analysis says it NEEDS."""

    groups: list[Group]  # one per shape; runs that diverged are not among them
    records: list[Record]  # of all runs
    settings: Any  # the analysis's own
    tables: dict[str, pd.DataFrame]  # by analysis
    arrays: dict[str, dict[str, Tensor]]  # by analysis, then by name
    data_dir: Path
