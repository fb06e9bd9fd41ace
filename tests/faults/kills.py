"""Run the workflow while its processes are killed at random moments, and call it again until it is done."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from copies import DRIVER, surroundings
from faults.processes import alive

COMMAND = [str(DRIVER / "snakemake"), "--cores", "2", "--config", "scale=smoke"]
KINDS = ("Snakemake", "training job", "other stage", "notebook", "kernel of a notebook")


class Disturbed(NamedTuple):
    """What was done to a run, and how it got through."""

    kills: Counter[str]
    calls: int  # of Snakemake
    orphans: int  # processes that outlived a killed Snakemake, summed over its kills
    wall_s: float


def disturbed(folder: Path, *, seed: int, mean_s: float, log: Path) -> Disturbed:
    """Call the same command until it succeeds; all the while a process of it is killed every `mean_s` seconds or so.

    The moments are exponentially distributed. Of the kinds of processes alive one is drawn, and of that kind one
    process; orphans of an earlier call are as good as any.
    """
    rng, kills, calls, orphans, begun = random.Random(seed), Counter[str](), 0, 0, time.monotonic()
    next_at = begun + rng.expovariate(1 / mean_s)
    with log.open("w") as out:
        while True:
            calls += 1
            call = subprocess.Popen(
                COMMAND, cwd=folder, env=surroundings(), stdout=out, stderr=out, start_new_session=True
            )
            while call.poll() is None:
                time.sleep(0.01)
                found = alive(folder)
                if time.monotonic() < next_at or not found:
                    continue
                kind = rng.choice(sorted(found))
                if killed(rng.choice(found[kind])):
                    kills[kind] += 1
                    orphans += sum(len(pids) for pids in found.values()) - 1 if kind == "Snakemake" else 0
                next_at = time.monotonic() + rng.expovariate(1 / mean_s)
            if call.returncode == 0:
                return Disturbed(kills, calls, orphans, time.monotonic() - begun)


def killed(pid: int) -> bool:
    """Kill a process at once; return whether it was still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
