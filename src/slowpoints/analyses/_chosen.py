"""One network per arm, to be looked at closely: the one whose memory is the median of its arm."""

import pandas as pd

from slowpoints.provenance.record import Record
from slowpoints.training.stack import Group, rows_of


def representatives(groups: list[Group], memory: pd.DataFrame) -> list[Group]:
    """Return the groups with the chosen networks only, in their order.

    A group without any is left out.

    Chosen is, per arm, the network whose mean accuracy over all classes and delays of the memory
    curve is the median; of two in the middle the worse. Slow points play no part in the choice.
    """
    merit = memory.groupby(["arm", "run"], sort=False)["accuracy"].mean().reset_index()
    ranked = merit.sort_values(["accuracy", "run"]).groupby("arm")["run"]
    chosen = {own.iloc[(len(own) - 1) // 2] for _, own in ranked}
    parts = [(group, _rows(group.records, chosen)) for group in groups]
    return [rows_of(group, rows) for group, rows in parts if rows]


def _rows(records: list[Record], chosen: set[str]) -> list[int]:
    return [row for row, record in enumerate(records) if record.id in chosen]
