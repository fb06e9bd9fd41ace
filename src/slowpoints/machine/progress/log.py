"""What Snakemake's own log says of a run: what it planned, what it started, and how that ended."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

STAMP = "%a %b %d %H:%M:%S %Y"
LINE = re.compile(
    r"\[(?P<date>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\]"
    r"|(?:local)?rule (?P<rule>\w+):"
    r"|Error in (?:rule (?P<error>\w+)|group .*):"
    r"| +jobid: (?P<jobid>\d+)"
    r"| +benchmark: benchmarks/(?P<benchmark>\S+)\.tsv"
    r"| +log: (?P<log>[^,]+?)(?:,.*| \(check log.*)?"
    r"|Finished jobid: (?P<finished>\d+).*"
    r"|Trying to restart job (?P<again>\d+)\."
    r"|  Host: (?P<host>\S+)"
    r"|Provided (?:cores|remote nodes): (?P<width>\d+).*"
    r"|(?P<planned>\w+) +(?P<count>\d+)"
    r"|(?P<complete>Complete log.*)"
)


@dataclass
class Job:
    """One job that was started."""

    rule: str
    name: str = ""  # of its benchmark, below the scale
    log: str = ""
    begun: float = 0.0  # seconds since the epoch: when it was started, or handed to the cluster
    ended: float | None = None
    failures: int = 0
    is_failed: bool = False  # and not started again


@dataclass
class Run:
    """One call of Snakemake."""

    path: Path
    host: str = ""
    begun: float = 0.0
    width: int = 1  # cores, or jobs at once on a cluster
    planned: dict[str, int] = field(default_factory=dict)  # jobs by rule
    jobs: dict[int, Job] = field(default_factory=dict)
    is_complete: bool = False

    def running(self) -> list[Job]:
        """Return what was started and has not ended."""
        return [job for job in self.jobs.values() if job.ended is None and not job.is_failed]


def latest(root: Path, scale: str = "") -> tuple[Path, str] | None:
    """Return the log of the last run, and its scale; `scale`: of the last run of this scale."""
    for path in sorted((root / ".snakemake" / "log").glob("*.snakemake.log"), reverse=True):
        with path.open(encoding="utf-8", errors="replace") as file:
            found = re.search(
                r"^ +benchmark: benchmarks/(smoke|laptop|night|paper)/",
                file.read(200_000),
                re.MULTILINE,
            )
        if found and scale in ("", found[1]):
            return path, found[1]
    return None


def read(path: Path) -> Run:
    """Return what the log at `path` says so far; it may still be written."""
    run, now, job = Run(path), 0.0, None
    failed = False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            continue
        word = {key: value for key, value in found.groupdict().items() if value is not None}
        if "date" in word:
            now = time.mktime(time.strptime(word["date"], STAMP))
            run.begun = run.begun or now
        elif "rule" in word or "error" in word:
            job, failed = Job(word.get("rule", ""), begun=now), "error" in word
        elif "jobid" in word and job is not None:
            _note(run, int(word["jobid"]), job, failed=failed)
        elif "benchmark" in word and job is not None:
            job.name = word["benchmark"].partition("/")[2]
        elif "log" in word and job is not None:
            job.log = word["log"]
        elif "finished" in word and int(word["finished"]) in run.jobs:
            run.jobs[int(word["finished"])].ended = now
        elif "again" in word and int(word["again"]) in run.jobs:
            run.jobs[int(word["again"])].is_failed = False
        elif "host" in word:
            run.host = word["host"]
        elif "width" in word:
            run.width = int(word["width"])
        elif "planned" in word and not run.jobs:
            run.planned[word["planned"]] = int(word["count"])
        run.is_complete |= "complete" in word
    run.planned = {rule: n for rule, n in run.planned.items() if rule not in ("total", "all")}
    return run


def _note(run: Run, jobid: int, job: Job, *, failed: bool) -> None:
    """Note a start or a failure; a job that is started again keeps the count of its failures."""
    known = run.jobs.get(jobid)
    if failed:
        if known is not None:
            known.failures += 1
            known.is_failed = True
        return
    job.failures = known.failures if known is not None else 0
    run.jobs[jobid] = job
