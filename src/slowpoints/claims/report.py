"""The claims table and the numbers of the text, from the tables and provenance of one scale."""

from pathlib import Path
from typing import Any

import pandas as pd

from slowpoints import paths
from slowpoints.claims.headlines import judged
from slowpoints.claims.judge import judge, numbers
from slowpoints.plan import dag
from slowpoints.provenance import jobs
from slowpoints.provenance.files import read_json
from slowpoints.provenance.records import write_json, write_table
from slowpoints.spec import headlines as spec


def write(
    scale: str,
    *,
    torch: str,
    claims: Path,
    headlines: Path,
    text: Path,
    archive: Path | None = None,
) -> None:
    """Judge every claim at `scale`; write one row per claim to `claims`, one per headline to
    `headlines`, and every number of the text to `text`.

    archive: a folder such as paper/reference/laptop, whose tables are judged instead of those of
    the last run
    """
    known = dag.experiments(scale)

    def file(experiment: str, table: str) -> Path:
        if archive is None:
            return Path(paths.table(scale, experiment, table))
        return Path(paths.kept_table(archive, experiment, table))

    files = {
        (name, table): file(name, table) for name, own in known.items() for table in own.analyses
    }
    rows = judge(known.values(), files, scale=scale)
    outcomes = {name: file(name, "outcomes") for name in known}
    every = [claim for own in known.values() for claim in own.claims]
    first = judged(spec.headlines(every), rows)
    write_table(claims, pd.DataFrame(rows))
    write_table(headlines, pd.DataFrame(first))
    made, lock = _archived(archive) if archive else (_made(scale), dag.environment("train", torch))
    write_json(text, numbers(rows, first, outcomes, stamps=_stamps(scale, made, lock=lock)))


def _made(scale: str) -> list[dict[str, Any]]:
    """Return the provenance of every training job of the last run."""
    return [
        read_json(Path(path))
        for name in dag.experiments(scale)
        for path in dag.runs(scale, name, paths.PROVENANCE)
    ]


def _archived(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Return the provenance of every training job kept in a folder, and the digest of their
    environment.
    """
    return [job.made for job in jobs.kept(folder / "records.jsonl")], read_json(
        folder / "numbers.json"
    )["lock"]


def _stamps(scale: str, made: list[dict[str, Any]], *, lock: str) -> dict[str, str]:
    """Return what the paper says of its own making.

    Scale, environment, and the commits it was trained from.
    """
    commits = sorted({job["commit"][:10] + ("+" if job["dirty"] else "") for job in made})
    return {"scale": scale, "commits": ", ".join(commits), "lock": lock, "n_stacks": str(len(made))}
