"""The page of all claims, docs/claims.md: by paper, one line per claim, written from the claims of
a run and checked against them.
"""

import math
from pathlib import Path
from typing import Any

from slowpoints.claims.printing import corrected, with_interval
from slowpoints.errors import SlowpointsError
from slowpoints.provenance.records import read_table
from slowpoints.publish.readme import PAPERS, table_row

PAGE = Path("docs") / "claims.md"
FIGURE = "../paper/reference/laptop/figures/{figure}.png"
TABLES = "../paper/reference/laptop/tables/{experiment}"
FIXED = {"before": "before", "pilots": "after pilots", "seen": "after a run"}
HEAD = (
    "| statement | of | published | here [95 % interval] | of what | holds if | fixed | p | "
    "verdict | see |"
)
WORDS = """# All claims

Written by `slowpoints readme --scale laptop` from the archived run at that scale; do not edit. Each
line is a statement of a paper, or a question of ours, with the number that its test gives. *Holds*
and *fails* mean that the whole 95 % interval lies inside or outside the region of the test;
otherwise the claim is *undecided*, and the line says how many units, were its estimate right, would
decide it with a power of 0.8. Where a paper says that a cell does as well, beyond the region on the
good side is *better than claimed*. *Not testable here* means that no result at this scale could
have decided.

**Of what** is independent: networks; pairs of networks from one seed; studies, whose reruns share
one tuned setting; cells. **Fixed** says when statement and threshold were written: *before* any of
their networks was trained, *after pilots*, or *after a run* of the same experiment had been seen;
the last are exploratory. **p** is two-sided, of the claim being false, and not corrected: of {n}
lines some hold by chance, and lines that differ by one cell are not independent. The headlines of
the [README](../README.md) are few and corrected.
"""


class StalePage(SlowpointsError):
    """A page that is not the one its claims give."""


def page(rows: list[dict[str, Any]], *, figure: str = FIGURE, tables: str = TABLES) -> str:
    """Return the page; `figure` and `tables` are links with {figure} and {experiment} in them."""
    parts = [WORDS.format(n=len(rows))]
    for paper, name in PAPERS.items():
        own = [row for row in rows if row["paper"] == paper]
        if not own:
            continue
        parts += [f"\n## {name}\n", HEAD, "|---" * HEAD.count(" | ") + "|---|"]
        for statement in dict.fromkeys(row["statement"] for row in own):
            same = [row for row in own if row["statement"] == statement]
            parts += [_line(row, i == 0, figure, tables) for i, row in enumerate(same)]
    return "\n".join(parts) + "\n"


def _line(row: dict[str, Any], is_first: bool, figure: str, tables: str) -> str:
    name, experiment = row["figure"], row["experiment"]
    why = row["why"] if isinstance(row["why"], str) and row["why"] else ""
    is_known = not math.isnan(row["estimate"])
    cells = (
        row["says"] if is_first else "″",
        row["of"] if isinstance(row["of"], str) else "",
        row["published"],
        with_interval(row["estimate"], row["low"], row["high"]) if is_known else "–",
        row["counted"],
        f"{row['statistic']} {row['threshold']}",
        FIXED[row["fixed"]],
        corrected(row["p"]),
        f"**{row['verdict']}**" + (f": {why}" if why else ""),
        f"[figure]({figure.format(figure=name)}) · [notebook](../notebooks/{name}.ipynb) · "
        f"[tables]({tables.format(experiment=experiment)})",
    )
    return table_row(*cells)


def write(claims: Path) -> None:
    """Write the page of a claims file."""
    PAGE.write_text(page(read_table(claims).to_dict("records")), encoding="utf-8")


def check(path: Path, *, claims: Path) -> None:
    """Raise if the page is not the one that `claims` gives."""
    if path.read_text(encoding="utf-8") != page(read_table(claims).to_dict("records")):
        raise StalePage(f"{path}: is not that of {claims}; run: slowpoints readme")
