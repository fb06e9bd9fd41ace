"""The claims table and the numbers of the text, from the tables and provenance of one scale."""

from pathlib import Path

import pandas as pd

from slowpoints import dag
from slowpoints.claims.judge import judge, numbers
from slowpoints.files import read_json
from slowpoints.records import write_json, write_table


def write(scale: str, *, torch: str, claims: Path, text: Path) -> None:
    """Judge every claim at `scale`; write one row per claim to `claims`, and every number of the text to `text`."""
    known = dag.experiments(scale)
    files = {(name, table): _table(scale, name, table) for name, own in known.items() for table in own.analyses}
    rows = judge(known.values(), files, scale=scale)
    outcomes = {name: _table(scale, name, "outcomes") for name in known}
    write_table(claims, pd.DataFrame(rows))
    found = numbers(rows, outcomes, stamps=_stamps(scale, torch=torch))
    write_json(text, found)


def _table(scale: str, experiment: str, name: str) -> Path:
    return Path(f"results/{scale}/{experiment}/tables/{name}.csv")


def _stamps(scale: str, *, torch: str) -> dict[str, str]:
    """Return what the paper says of its own making: scale, environment, and the commits it was trained from."""
    facts = [
        read_json(Path(path)) for name in dag.experiments(scale) for path in dag.runs(scale, name, ".provenance.json")
    ]
    commits = sorted({fact["commit"][:10] + ("+" if fact["dirty"] else "") for fact in facts})
    return {
        "scale": scale,
        "commits": ", ".join(commits),
        "lock": dag.environment("train", torch),
        "n_stacks": str(len(facts)),
    }
