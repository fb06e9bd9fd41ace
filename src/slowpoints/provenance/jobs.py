"""Training jobs that are done, as their records and provenance tell.

Which runs, made with what, when and where.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints import paths
from slowpoints.provenance.records import BadResult, read_lines, write_lines

# equal in all its records
FACTS = ("digests", "versions", "engine", "device", "matmul", "threads", "dtype", "weights")


class Job(NamedTuple):
    """One job: its file of records, its runs as (id, outcome) in the order of rows, what made them,
    circumstances.
    """

    records: str
    runs: list[tuple[str, str]]
    facts: dict[str, Any]
    made: dict[str, Any]

    @property
    def scale(self) -> str:
        """Return the scale it belongs to."""
        return paths.place_of(self.records).scale

    @property
    def experiment(self) -> str:
        """Return the experiment it belongs to."""
        return paths.place_of(self.records).experiment

    @property
    def stack(self) -> str:
        """Return the name of its stack."""
        return Path(self.records).stem

    def beside(self, kind: str) -> str:
        """Return another file of the job: `plan`, `weights` or `provenance`."""
        if kind == "plan":
            return f"{paths.plan_folder(self.scale, self.experiment)}/{self.stack}.json"
        suffix = {"weights": paths.WEIGHTS, "provenance": paths.PROVENANCE}[kind]
        return paths.run_file(self.scale, self.experiment, self.stack, suffix)


def read(root: Path, records: str) -> Job:
    """Return the job that wrote the file `records` under `root`, its records verified."""
    rows = read_lines(root / records)
    told = (root / records).with_suffix(paths.PROVENANCE)
    if not told.is_file():
        raise BadResult(told, "missing")
    runs = [(row["id"], row["outcome"]) for row in rows]
    facts = {key: rows[0].get(key, "not recorded") for key in FACTS}  # older records lack some
    return Job(records, runs, facts, json.loads(told.read_text(encoding="utf-8")))


def read_all(root: Path, scale: str, experiment: str = "*") -> list[Job]:
    """Return the jobs of one scale whose records lie under `root`, of one experiment or of all, by
    their files' names.

    Stacks of older plans stay on disk: of two jobs with a run in common, the one that began later
    counts.
    """
    found = paths.all_runs(scale, root=root, experiment=experiment)
    jobs = [read(root, path.relative_to(root).as_posix()) for path in found]
    last: dict[str, Job] = {}
    for job in sorted(jobs, key=lambda one: str(one.made["started"])):
        last |= {name: job for name, _ in job.runs}
    return [job for job in jobs if all(last[name] is job for name, _ in job.runs)]


def keep(jobs: list[Job], path: Path) -> None:
    """Write what is known of `jobs` to one file, one line each, for readers who do not have the
    records.
    """
    write_lines(path, [job._asdict() for job in jobs])


def kept(path: Path) -> list[Job]:
    """Return the jobs that `keep` has written to `path`."""
    lines = read_lines(path)
    return [
        Job(**(line | {"runs": [(name, outcome) for name, outcome in line["runs"]]}))
        for line in lines
    ]
