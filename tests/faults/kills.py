"""Run the workflow while its processes are killed at random moments, and call it again until it is
done.
"""

import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from faults.processes import alive
from helpers.copies import DRIVER, surroundings
from slowpoints.machine.started import send

COMMAND = [str(DRIVER / "python"), "-m", "snakemake", "--cores", "2", "--config", "scale=smoke"]
LATEST_S = 6.0  # a moment is drawn between the end of some job and so many seconds later


class Disturbed(NamedTuple):
    """What was done to a run, and how it got through."""

    kills: Counter[str]
    calls: int  # of Snakemake
    orphans: int  # processes that outlived a killed Snakemake, summed over its kills
    wall_s: float


def disturbed(folder: Path, *, seed: int, n_kills: int, n_jobs: int, log: Path) -> Disturbed:
    """Call the same command until it succeeds.

    All the while processes of it are killed, `n_kills` in all.

    The moments are drawn beforehand over the whole run: each some seconds after some of its jobs
    has ended. Of the kinds of processes alive one is drawn, and of that kind one process; orphans
    are as good as any.
    """
    rng, kills, calls, orphans, begun = random.Random(seed), Counter[str](), 0, 0, time.monotonic()
    moments = sorted(rng.uniform(0, n_jobs - 1) for _ in range(n_kills))
    with log.open("w") as out:
        while True:
            calls += 1
            call = subprocess.Popen(
                COMMAND,
                cwd=folder,
                env=surroundings(),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            while call.poll() is None:
                time.sleep(0.05)
                if not moments or jobs_done(folder) < moments[0]:
                    continue
                time.sleep(rng.uniform(0, LATEST_S))
                found = alive(folder)
                if not found:
                    continue
                kind = rng.choice(sorted(found))
                if send(rng.choice(found[kind]), signal.SIGKILL):
                    kills[kind] += 1
                    orphans += (
                        sum(len(pids) for pids in found.values()) - 1 if kind == "Snakemake" else 0
                    )
                    del moments[0]
            if call.returncode == 0 and not moments:
                return Disturbed(kills, calls, orphans, time.monotonic() - begun)


def jobs_done(folder: Path) -> int:
    """Return how many jobs have ended well so far."""
    return sum(1 for _ in (folder / "benchmarks").rglob("*.tsv"))
