"""The whole spectrum at the slow points of one network per arm, the one that `states` shows, as a
table to be drawn.
"""

from dataclasses import dataclass

from slowpoints.analyses._chosen import representatives
from slowpoints.analyses._delayed import as_table
from slowpoints.analyses._given import Given, Result
from slowpoints.provenance.records import identity

NEEDS: tuple[str, ...] = ("slow_points", "memory_curve")
COLUMNS = ("class", "real", "imaginary")


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per chosen network, class and eigenvalue of the Jacobian at the class's slow
    point.
    """
    rows = [
        identity(record) | {"class": k, "real": real, "imaginary": imaginary}
        for group in representatives(given.groups, given.tables["memory_curve"])
        for record in group.records
        for k, own in enumerate(given.arrays["slow_points"][f"{record.id}/eigenvalues"].tolist())
        for real, imaginary in own
    ]
    return as_table(rows, records=given.records, columns=COLUMNS), {}
