"""Which papers' figures a cell joins, as its file says."""

from typing import Literal, get_args

from slowpoints.spec.parts import attribute, file_of
from slowpoints.spec.strict import SpecError, shown, unknown

Paper = Literal["long2016", "collins2017", "haviv2019"]


def joined(cell: str) -> tuple[str, ...]:
    """Return the papers whose figures a cell joins; a name that is none of them is an error."""
    where = f"{file_of('cells', cell)}: JOINS"
    joins = attribute("cells", cell, "JOINS", ())
    if not isinstance(joins, tuple | list):
        raise SpecError(
            f'{where}: expected names of papers, such as ("long2016",); found {shown(joins)}'
        )
    for paper in joins:
        if paper not in get_args(Paper):
            raise unknown(paper, get_args(Paper), what="paper", where=where)
    return tuple(joins)
