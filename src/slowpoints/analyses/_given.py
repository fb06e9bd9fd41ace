"""What an analysis is: what it is given, what it returns, and defaults for the rest.

The file of an analysis defines `class Settings` and `run`, and of the constants of `Analysis` those
that are not as here.
"""

from pathlib import Path
from types import ModuleType
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


class Analysis:
    """An analysis as its file defines it."""

    Settings: type[Any]
    # Of its table, beside those that name a run; {metric} and {delay} stand for each of them.
    COLUMNS: tuple[str, ...] = ()
    NEEDS: tuple[str, ...] = ()  # analyses of the same experiment whose tables it reads
    OF_TASKS: tuple[str, ...] = ()  # whose networks it reads; any, if there are none
    OF_STUDIES: bool = False  # whether it reads trials
    OF_SNAPSHOTS: bool = False  # whether it reads weights that were kept on the way

    def __init__(self, module: ModuleType) -> None:
        """Take what the module of an analysis defines in place of the defaults here."""
        self.name = module.__name__.rpartition(".")[2]
        vars(self).update({name: value for name, value in vars(module).items() if name in OWN})

    def run(self, given: Given) -> Result:
        """Return one table, a row per run or point, and arrays by name."""
        raise NotImplementedError


OWN = {name for name in (*vars(Analysis), *Analysis.__annotations__) if not name.startswith("_")}
