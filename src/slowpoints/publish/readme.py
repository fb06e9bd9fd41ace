"""The claims table in the README: written between two markers, and checked against the file it
comes from.
"""

import math
import shutil
from pathlib import Path
from typing import Any

from slowpoints import paths
from slowpoints.claims.printing import with_interval
from slowpoints.errors import SlowpointsError
from slowpoints.provenance import jobs

BEGIN = "<!-- claims: begin (written by `python -m slowpoints readme`; do not edit) -->"
END = "<!-- claims: end -->"
HEAD = "| paper | statement | published | here [95 % interval], of what | verdict | see |"
RULE = "|---|---|---|---|---|---|"
FIGURE = "paper/reference/laptop/figures/{figure}.png"
RECORDS_KEPT = "records.jsonl"  # one line per training job
RECORDS = "paper/reference/laptop/tables/{experiment}"
# Tables that only figures use:
UNJUDGED = (
    "curves",
    "latch_trace",
    "example_trials",
    "delay_law",
    "schedules",
    "states",
    "between",
    "eigenvalues",
)
PAPERS = {
    "long2016": "[Long et al. 2016](https://arxiv.org/abs/1611.06530)",
    "collins2017": "[Collins et al. 2017](https://arxiv.org/abs/1611.09913)",
    "haviv2019": "[Haviv et al. 2019](https://proceedings.mlr.press/v97/haviv19a.html)",
}


class ReadmeError(SlowpointsError):
    """A README whose claims table cannot be written, or is not the one its claims file gives."""


def claims_table(rows: list[dict[str, Any]], *, figure: str, records: str) -> str:
    """Return the claims as a Markdown table, one line per statement, failures kept.

    `figure` and `records` are links in which {figure} and {experiment} are replaced.
    """
    lines, order = [HEAD, RULE], [*PAPERS, *(row["paper"] for row in rows)]
    statements = dict.fromkeys((row["paper"], row["statement"]) for row in rows)
    for paper, statement in sorted(statements, key=lambda one: order.index(one[0])):
        same = [row for row in rows if row["statement"] == statement]
        cells = (
            PAPERS.get(paper, paper),
            same[0]["says"],
            same[0]["published"],
            _each(same, _value),
            _verdicts(same),
            _links(same, figure=figure, records=records),
        )
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _links(rows: list[dict[str, Any]], *, figure: str, records: str) -> str:
    """Return links to the figure, the notebook and the tables of a statement, several where it has
    several.
    """
    figures, experiments = (
        list(dict.fromkeys(row[key] for row in rows)) for key in ("figure", "experiment")
    )
    links = [f"[figure]({figure.format(figure=name)})" for name in figures]
    links += [f"[notebook](notebooks/{name}.ipynb)" for name in figures]
    return " · ".join(
        [*links, *(f"[tables]({records.format(experiment=name)})" for name in experiments)]
    )


def _each(rows: list[dict[str, Any]], shown: Any) -> str:
    return "<br>".join(f"{_of(row)}{': ' if _of(row) else ''}{shown(row)}" for row in rows)


def _of(row: dict[str, Any]) -> str:
    return row["of"] if isinstance(row["of"], str) else ""


def _value(row: dict[str, Any]) -> str:
    if math.isnan(row["estimate"]):
        return "–"
    shown = with_interval(row["estimate"], row["low"], row["high"])
    return f"{shown}, {row['counted']}"


def _verdicts(rows: list[dict[str, Any]]) -> str:
    """Return one verdict where all agree, else each."""
    words = [_verdict(row) for row in rows]
    return words[0] if len(set(words)) == 1 else _each(rows, _verdict)


def _verdict(row: dict[str, Any]) -> str:
    """Return the verdict, and in which direction a claim fails or why it cannot be tested."""
    return f"**{row['verdict']}**" + (
        f": {row['why']}" if isinstance(row["why"], str) and row["why"] else ""
    )


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


def read_claims(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a claims file, verified."""
    from slowpoints.provenance.records import read_table

    return read_table(path).to_dict("records")


def write(readme: Path, *, claims: Path, figure: str, records: str) -> None:
    """Write the table of `claims` into the README."""
    table = claims_table(read_claims(claims), figure=figure, records=records)
    readme.write_text(updated(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


def archive(scale: str, folder: Path) -> None:
    """Keep what a run of one scale says, for readers who do not run it.

    Claims and their tables, figures, paper.
    """
    results = Path(paths.results(scale))
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for path in (results / "claims.csv", results / "numbers.json", results / "paper.pdf"):
        shutil.copyfile(path, folder / path.name)
    for path in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(path, folder / "figures" / path.name)
    for path in paths.all_tables(scale):
        if path.stem not in UNJUDGED:
            kept = Path(paths.kept_table(folder, paths.experiment_of(path), path.stem))
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)
    jobs.keep(jobs.read_all(Path.cwd(), scale), folder / RECORDS_KEPT)


def check(readme: Path, *, claims: Path, figure: str, records: str) -> None:
    """Raise if the README's table is not the one that `claims` gives."""
    text = readme.read_text(encoding="utf-8")
    if updated(text, claims_table(read_claims(claims), figure=figure, records=records)) != text:
        raise ReadmeError(
            f"{readme}: its claims table is not that of {claims}; run: python -m slowpoints readme"
        )
