"""Seconds from a fresh clone to the first figure.

The README's own commands in a new folder, timed. No torch.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from slowpoints.machine import costs
from slowpoints.machine.doctor import speed
from slowpoints.machine.doctor.machine import n_cores
from slowpoints.machine.doctor.words import duration, size
from slowpoints.machine.started import started
from slowpoints.paths import ROOT
from slowpoints.plan import dag

SCALES = ("smoke", "laptop")
CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR")
LINKS = ("PIP_FIND_LINKS", "UV_FIND_LINKS")


def jobs_for(scale: str, figure: str) -> set[str]:
    """Return every job that a figure needs, itself included, by the names of their benchmarks."""
    found = {f"figures/{figure}"}
    for table in dag.figure_inputs(scale, figure).values():
        found |= _for_table(scale, Path(table))
    return found


def _for_table(scale: str, table: Path) -> set[str]:
    experiment, analysis = table.parts[2], table.stem
    if experiment == "data":
        return {f"data/{analysis}"}
    found = {f"{experiment}/analyse/{analysis}"} | {
        f"data/{name}" for name in dag.data_names(scale, experiment)
    }
    for needed in dag.needs(scale, experiment, analysis):
        found |= _for_table(scale, Path(needed))
    for name, stack in dag.all_stacks(scale, experiment).items():
        found.add(f"{experiment}/train/{name}")
        if stack.start:
            found |= _for_table(
                scale, Path(dag.start_files(scale, experiment, name)["start_points"][0])
            )
    return found


def cheapest(scale: str) -> tuple[str, int]:
    """Return the figure whose jobs cost least, by the page of costs, and how many it needs."""
    laptop = costs.kept()["laptop"]
    own = {name: jobs_for(scale, name) for name in dag.figure_names()}
    name = min(
        own, key=lambda figure: sum(costs.expected(scale, job, laptop) for job in own[figure])
    )
    return name, len(own[name])


def run(*, warm: bool) -> dict[str, Any]:
    """Clone, set up, and make the cheapest figure at the smoke and the laptop scale.

    Return what was measured.

    warm: leave uv and pip the cache of this user; without it both begin with an empty one
    """
    with tempfile.TemporaryDirectory(prefix="first-figure-") as name:
        clone, env = Path(name) / "slowpoints", dict(os.environ)
        for word in ("VIRTUAL_ENV", "PYTHONPATH", "SLOWPOINTS_STAGE", "SLOWPOINTS_ENVS"):
            env.pop(word, None)
        own = str(Path(sys.executable).parent)
        env["PATH"] = os.pathsep.join(part for part in env["PATH"].split(os.pathsep) if part != own)
        if not warm:
            env |= {key: str(Path(name) / "cache" / key) for key in CACHES}
        got = speed.measure(n_cores())
        cloning = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
        steps = [_step("git clone", cloning, Path(name), env)]
        steps.append(_step("make setup", ["make", "setup"], clone, env))
        for scale in SCALES:
            figure, n = cheapest(scale)
            target = f"results/{scale}/figures/{figure}.pdf"
            words = [
                ".envs/driver/bin/snakemake",
                "--cores",
                str(n_cores()),
                target,
                "--config",
                f"scale={scale}",
            ]
            steps.append(_step(f"snakemake {target}", words, clone, env) | {"jobs": n})
        disk = {part: _bytes(clone / part) for part in (".git", ".envs", "results")}
    return {
        "cores": n_cores(),
        "share": round(got.share, 2),
        "python": platform.python_version(),
        "warm": warm,
        "local_wheels": any(os.environ.get(word) for word in LINKS),
        "commit": _head(),
        "steps": steps,
        "bytes": disk,
    }


def _step(name: str, command: list[str], folder: Path, env: dict[str, str]) -> dict[str, Any]:
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    output = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(command, cwd=folder, env=env, **output) as running:
        said = running.communicate()[0]
    if running.returncode:
        raise OSError(f"{name} ended with status {running.returncode}:\n{said[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "name": name,
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_s": round(cpu_s, 1),
    }


def _bytes(folder: Path) -> int:
    """Return the bytes on disk; a file with several names counts once."""
    found = {path.lstat().st_ino: path.lstat().st_size for path in folder.rglob("*")}
    return sum(found.values())


def _head() -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


PAGE = """\
# From a clone to the first figure

Written by `make first-figure`: the README's commands in a new folder, timed on {cores} cores with Python {python}, no
GPU. {cache} {links} The clone was made from a folder on the same disk. Other programs left {share:.0%} of the cores
free at the start; the seconds are wall time, so a machine with nothing else to do is faster. CPU seconds are those of
all processes of a step together, as the system counts them when they end (`getrusage`).

| step | CPU seconds | seconds | since the start |
|---|---|---|---|
{rows}

The first figure, of a small run, is there after **{smoke}**; the first one of the laptop scale, the one whose jobs cost
least, after **{laptop}**. On disk afterwards: the clone's history {git}, environments {envs}, results {results}.
"""


def page(found: dict[str, Any]) -> str:
    """Return what was measured as a page."""
    rows: list[str] = []
    totals: list[float] = []
    since = 0.0
    for step in found["steps"]:
        since += step["seconds"]
        totals.append(since)
        jobs = f" ({step['jobs']} jobs)" if "jobs" in step else ""
        rows.append(
            f"| `{step['name']}`{jobs} | {step['cpu_s']:.0f} | {step['seconds']:.0f} | "
            f"{since:.0f} |"
        )
    held = "held what earlier set-ups had fetched" if found["warm"] else "were empty"
    some = (
        "Some packages came from a local folder of wheels, the others"
        if found["local_wheels"]
        else "All packages"
    )
    return PAGE.format(
        **{key: found[key] for key in ("cores", "python", "share")},
        cache=f"The caches of uv and pip {held}.",
        links=f"{some} came from the package index that pip is set to.",
        rows="\n".join(rows),
        smoke=duration(totals[2]),
        laptop=duration(totals[3]),
        git=size(found["bytes"][".git"]),
        envs=size(found["bytes"][".envs"]),
        results=size(found["bytes"]["results"]),
    )
