"""Time and memory of a finished run per stage, from Snakemake's benchmark files, and what else its
appendix says.

The files are looked for when this runs and are nobody's input: one that is missing makes nothing
run again. Files of jobs that are no longer part of the run are left aside.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from slowpoints import paths
from slowpoints.provenance import benchmarks
from slowpoints.provenance import jobs as done
from slowpoints.provenance.benchmarks import Measured
from slowpoints.provenance.jobs import Job
from slowpoints.provenance.records import write_json, write_table
from slowpoints.spec.digests import env

RESULTS = {  # stage: the files that its jobs leave, and of each the name of its benchmark
    "data": ("data/*.*", "data/{stem}"),
    "train": ("*/runs/*.jsonl", "{experiment}/train/{stem}"),
    "analyse": ("*/tables/*.csv", "{experiment}/analyse/{stem}"),
    "figures": ("figures/*.pdf", "figures/{stem}"),
    "claims": ("claims.csv", "claims"),
    "paper": ("paper.pdf", "paper"),
}
COLUMNS = ("stage", "experiment", "jobs", "measured", "hours", "longest_s", "memory_mb")
OUTCOMES = ("ok", "budget", "stopped", "diverged")


def write(root: Path, scale: str, *, torch: str, table: Path, text: Path) -> None:
    """Write time and memory per stage and experiment to `table`, and all that the appendix says to
    `text`.
    """
    rows = stages(root, scale)
    write_table(table, pd.DataFrame(rows, columns=list(COLUMNS)))
    jobs = done.read_all(root, scale)
    found = {
        "scale": scale,
        "rows": rows,
        "totals": totals(rows),
        "outcomes": outcomes(jobs),
        "hardware": hardware(jobs),
        "commits": commits(jobs),
        "environments": environments(root / "envs", torch=torch),
    }
    write_json(text, found)


def stages(root: Path, scale: str) -> list[dict[str, Any]]:
    """Return a row per stage and experiment.

    Jobs, how many have a benchmark, hours, the longest, most memory.
    """
    results, rows = root / paths.results(scale), []
    for stage, (made, benchmark) in RESULTS.items():
        groups: dict[str, list[str]] = {}
        for path in sorted(results.glob(made)):
            experiment = paths.experiment_of(path) if "{experiment}" in benchmark else ""
            name = benchmark.format(experiment=experiment, stem=path.stem)
            groups.setdefault(experiment, []).append(name)
        for experiment, names in groups.items():
            measured = benchmarks.read(root, scale, names)
            rows.append(
                {"stage": stage, "experiment": experiment, "jobs": len(names)}
                | _sums(measured.values())
            )
    return rows


def _sums(measured: Collection[Measured]) -> dict[str, float]:
    seconds = [job.seconds for job in measured]
    return {
        "measured": len(measured),
        "hours": round(sum(seconds) / 3600, 4),
        "longest_s": max(seconds, default=0.0),
        "memory_mb": max((job.max_rss_mb for job in measured), default=0.0),
    }


def totals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of each stage as one."""
    found = []
    for stage in dict.fromkeys(row["stage"] for row in rows):
        own = [row for row in rows if row["stage"] == stage]
        added = {
            key: round(sum(row[key] for row in own), 4) for key in ("jobs", "measured", "hours")
        }
        most = {key: max(row[key] for row in own) for key in ("longest_s", "memory_mb")}
        found.append({"stage": stage} | added | most)
    return found


def outcomes(jobs: list[Job]) -> list[dict[str, Any]]:
    """Return per experiment how many runs there are and how they ended."""
    ended: dict[str, Counter[str]] = {}
    for job in jobs:
        ended.setdefault(job.experiment, Counter()).update(outcome for _, outcome in job.runs)
    return [
        {"experiment": name, "runs": count.total()} | {how: count[how] for how in OUTCOMES}
        for name, count in ended.items()
    ]


def hardware(jobs: list[Job]) -> list[dict[str, Any]]:
    """Return the machines and ways of computing that the records name, each with its jobs."""
    count = Counter(
        (
            _machine(job.made),
            job.facts["device"],
            f"{job.facts['engine']}, {job.facts['dtype']}, matmul {job.facts['matmul']}",
            ", ".join(
                f"{name} {version}" for name, version in sorted(job.facts["versions"].items())
            ),
        )
        for job in jobs
    )
    keys = ("machine", "device", "engine", "versions")
    return [dict(zip(keys, key, strict=True)) | {"jobs": n} for key, n in count.most_common()]


def _machine(made: dict[str, Any]) -> str:
    return (
        f"{made['processor']}, {made['cores']} cores" if "cores" in made else str(made["processor"])
    )


def commits(jobs: list[Job]) -> list[dict[str, Any]]:
    """Return the commits that networks were trained from, each with its jobs, and whether something
    was changed.
    """
    changed = {True: "changed files", False: "nothing changed", None: "not known whether changed"}
    count = Counter((job.made["commit"], changed[job.made["dirty"]]) for job in jobs)
    return [
        {"commit": commit, "state": state, "jobs": n}
        for (commit, state), n in sorted(count.items())
    ]


def environments(envs: Path, *, torch: str) -> list[dict[str, Any]]:
    """Return every environment: the digest of its pins, how many there are, and what was asked for
    with its version.
    """
    return [
        _environment(path, torch=torch)
        for path in sorted(envs.glob("*.lock"))
        if not path.stem.startswith("torch-")
    ]


def _environment(lock: Path, *, torch: str) -> dict[str, Any]:
    pins = _pins(lock)
    if "torch-" in lock.read_text(encoding="utf-8").partition("\n")[0]:
        pins |= _pins(lock.with_name(f"torch-{torch}.lock"))
    asked = sorted(set(_asked(lock.with_suffix(".in"))) & set(pins))
    named = ", ".join(f"{name} {pins[name]}" for name in asked)
    return {
        "stage": lock.stem,
        "digest": env(lock.stem, torch=torch),
        "packages": len(pins),
        "versions": named,
    }


def _pins(lock: Path) -> dict[str, str]:
    return dict(
        re.findall(r"^([a-z0-9][^ =]*)==([^ ;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    )


def _asked(file: Path) -> Iterable[str]:
    """Return the packages that a stage asks for, those of the files it includes apart."""
    return re.findall(r"^([a-z0-9][a-z0-9_-]*)", file.read_text(encoding="utf-8"), re.MULTILINE)
