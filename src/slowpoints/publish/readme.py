"""The headlines in the README: written between two markers, and checked against the file they come
from.
"""

from pathlib import Path
from typing import Any

from slowpoints.claims.printing import NOTHING, corrected
from slowpoints.errors import SlowpointsError
from slowpoints.provenance.records import read_table

BEGIN = "<!-- headlines: begin (written by `slowpoints readme --scale laptop`; do not edit) -->"
END = "<!-- headlines: end -->"
HEAD = "| | published | here [95 % interval] | verdict, p after Holm |"
RULE = "|---|---|---|---|"
FIGURE = "paper/reference/laptop/figures/{figure}.png"
PAPERS = {
    "long2016": "[Long et al. 2016](https://arxiv.org/abs/1611.06530)",
    "collins2017": "[Collins et al. 2017](https://arxiv.org/abs/1611.09913)",
    "haviv2019": "[Haviv et al. 2019](https://proceedings.mlr.press/v97/haviv19a.html)",
    "ours": "Beyond the papers",
}


class ReadmeError(SlowpointsError):
    """A README whose headlines cannot be written, or are not those its file gives."""


def headlines_table(rows: list[dict[str, Any]], *, figure: str = FIGURE) -> str:
    """Return the headlines as a Markdown table, paper by paper, each with a link to its figure.

    figure: a link in which {figure} is replaced
    """
    lines = [HEAD, RULE]
    for paper, name in PAPERS.items():
        own = [row for row in rows if row["paper"] == paper]
        lines += [f"| **{name}** | | | |"] * bool(own)
        lines += [_line(row, figure) for row in own]
    return "\n".join(lines)


def _line(row: dict[str, Any], figure: str) -> str:
    link = figure.format(figure=row["figures"].split()[0])
    p = corrected(row["p_holm"])
    cells = (
        f"[{row['says']}]({link})",
        row["published"],
        row["here"],
        row["verdict"] + ("" if p == NOTHING else f"; {p}"),
    )
    return table_row(*cells)


def table_row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(in_cell, cells))} |"


def in_cell(words: object) -> str:
    """Return words as they stand in a cell of a Markdown table."""
    return str(words).replace("|", "\\|")


def updated(text: str, table: str) -> str:
    """Return the README's text with `table` between the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ReadmeError(
            "the README lacks its markers; write these two lines where the table "
            f"belongs:\n{BEGIN}\n{END}"
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def write(readme: Path, *, headlines: Path) -> None:
    """Write the headlines of a file into the README."""
    table = headlines_table(read_table(headlines).to_dict("records"))
    readme.write_text(updated(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


def check(readme: Path, *, headlines: Path) -> None:
    """Raise if the README's headlines are not those of the file."""
    text = readme.read_text(encoding="utf-8")
    if updated(text, headlines_table(read_table(headlines).to_dict("records"))) != text:
        raise ReadmeError(
            f"{readme}: its headlines are not those of {headlines}; run: slowpoints readme"
        )
