#!/usr/bin/env python3
"""The smoke scale through SLURM for real. One node on this machine, jobs killed on the way, results
compared.

Installs the distribution's packages where they are missing, starts the daemons beside whatever runs
here, and stops them again. Writes slurm.md and slurm.json in docs/benchmarks. Needs root and apt-get: meant
for a machine of one's own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from comparison import ROOT, compare, copy_project

from slowpoints.machine.started import heed_signals, send, started

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
CONF = Path("/etc/slurm/slurm.conf")  # steps inside jobs look nowhere else
MUNGE = Path("/run/munge")  # where munged has its socket
GROUPS = {
    "train_stack": "networks-{experiment}",
    "run_analysis": "tables-{experiment}",
    "draw_figure": "figures",
}
CORES = 2  # of one job
SECONDS = 60.0  # that the node has to come up, and its jobs to end
KILLS = ("scancel", "kill -9 of the training", "kill -9 of the whole job", "scancel")
NODE = """\
ClusterName=one
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=86400
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""  # CPUs: twice those of the machine, for a job waits as long as it computes


def ask(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def prepare() -> None:
    """Stop where this cannot or must not run; install what is missing."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(
            "slurm-test: needs root and apt-get, to install SLURM on this machine; nothing was done"
        )
    if CONF.exists():
        raise SystemExit(
            f"slurm-test: {CONF} is there already, so this machine has a SLURM of its own; "
            "nothing was done"
        )
    if not all(shutil.which(name) for name in ("slurmctld", "slurmd", "squeue", "munged")):
        subprocess.run(["apt-get", "update", "-q"], check=True)
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *PACKAGES]
        subprocess.run(command, check=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """Run a SLURM of one node as long as the block lasts."""
    host = os.uname().nodename.split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    MUNGE.mkdir(mode=0o755, exist_ok=True)
    shutil.chown(MUNGE, "munge", "munge")
    # each daemon has a log of its own
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:
        stack.callback(CONF.unlink, missing_ok=True)
        CONF.write_text(NODE.format(host=host, folder=folder, cpus=2 * (os.cpu_count() or 1)))
        stack.enter_context(
            started(["runuser", "-u", "munge", "--", "munged", "--foreground", "--force"], **silent)
        )
        for name in ("slurmctld", "slurmd"):
            stack.enter_context(started([name, "-D"], **silent))
        stack.callback(stop_jobs)
        wait_until(
            lambda: "idle" in answer("sinfo", "-h", "-o", "%t"),
            "the node comes up; see the daemons' logs",
        )
        yield


def answer(*command: str) -> str:
    """Return what a command prints, as far as it does."""
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout


def stop_jobs() -> None:
    """Cancel every job, and kill what is left of them.

    Their processes are in sessions of their own.
    """
    jobs = answer("squeue", "-h", "-o", "%i").split()
    subprocess.run(["scancel", "--user", "root"], check=False)
    deadline = time.monotonic() + SECONDS
    while any(map(processes, jobs)) and time.monotonic() < deadline:
        time.sleep(1)
    for job in jobs:
        kill_all(job)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Return once something is so; end the test where it is not within a minute."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"slurm-test: waited {SECONDS:.0f} s in vain until {what}")
        time.sleep(1)


@contextmanager
def snakemake(project: Path, *words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run Snakemake on the smoke scale as long as the block lasts."""
    command = [
        str(project / "workflow/scripts/stage"),
        "slurm",
        "-m",
        "snakemake",
        *words,
        "--config",
        "scale=smoke",
    ]
    with log.open("wb") as out, started(command, cwd=project, stdout=out, stderr=out) as running:
        yield running


def through_slurm(project: Path, *, log: Path) -> list[dict[str, Any]]:
    """Run everything through SLURM and return the kills: how, which job, after how many seconds."""
    options = [
        "--profile",
        "profiles/slurm",
        "--cores",
        str(CORES),
        "--slurm-status-command",
        "squeue",
    ]
    options += ["--slurm-no-account", "--seconds-between-status-checks", "5"]
    options += ["--slurm-init-seconds-before-status-checks", "5"]
    options += ["--groups", *(f"{rule}={group}" for rule, group in GROUPS.items())]
    options += ["--group-components", *(f"{group}=10" for group in GROUPS.values())]
    kills: list[dict[str, Any]] = []
    begun = time.monotonic()
    with snakemake(project, *options, log=log) as running:
        while running.poll() is None:
            time.sleep(2)
            taken = {kill["job"] for kill in kills}
            found = [training for training in trainings() if training[1] not in taken]
            if found and len(kills) < len(KILLS):
                job, name, pid = found[0]
                how = KILLS[len(kills)]
                if kill(how, job, pid):  # else it has ended by itself: the next one is taken
                    kills.append(
                        {"how": how, "job": name, "slurm": job, "after_s": seconds_since(begun)}
                    )
    if running.returncode:
        raise SystemExit(f"slurm-test: Snakemake failed; its log is {log}")
    return kills


def processes(job: str) -> dict[int, str]:
    """Return {process: command line} of all processes of a SLURM job."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURM_JOB_ID={job}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended meanwhile
            continue
    return found


def trainings() -> list[tuple[str, str, int]]:
    """Return (SLURM job, its name, process) of every network that is being trained in a job."""
    jobs = [
        line.split(maxsplit=1)
        for line in ask("squeue", "-h", "-t", "R", "-o", "%i %k").splitlines()
    ]
    return [
        (job, name.strip(), pid)
        for job, name in jobs
        for pid, command in processes(job).items()
        if "-m slowpoints train" in command
        and "/bin/sh" not in command
        and "snakemake" not in command
    ]


def kill(how: str, job: str, training: int) -> bool:
    """Kill a SLURM job, or the training in it; return whether it was still there."""
    if how == "scancel":
        return subprocess.run(["scancel", job], check=False).returncode == 0
    return kill_all(job) if "whole" in how else send(training, signal.SIGKILL)


def kill_all(job: str) -> bool:
    """Kill every process of a SLURM job; return whether there was one."""
    reached = [send(pid, signal.SIGKILL) for pid in processes(job)]
    return any(reached)


def seconds_since(begun: float) -> int:
    return round(time.monotonic() - begun)


def states() -> dict[str, int]:
    """Return how many SLURM jobs ended in which state."""
    words = ask("scontrol", "show", "jobs").split()
    return dict(
        Counter(word.removeprefix("JobState=") for word in words if word.startswith("JobState="))
    )


PAGE = """\
# The workflow through SLURM

Written by `make slurm-test`: SLURM {slurm} from the distribution's packages, one node on this machine ({cpus} cores),
no accounting; Snakemake {snakemake} with its SLURM plugin {plugin} and `profiles/slurm`.

| | |
|---|---|
| jobs of the workflow, smoke scale | {steps} |
| SLURM jobs they went into, killed ones included | {jobs}: {states} |
| killed on the way | {n_kills} |
| seconds through SLURM | {slurm_s} |
| seconds of the same on the same machine without SLURM, `--cores {cpus}` | {local_s} |
| files of results equal to the byte in both | {equal} |
| files that differ | {differ} |
| files that only one has | {missing} |
| not compared: provenance, which says when, where and how long | {not_compared} |

| killed by | SLURM job | after s |
|---|---|---|
{kills}

Each killed job was done again, in its SLURM job or in a new one, and the run ended without a word from the user.
Training, tables and figures went in groups ({groups}); data, claims and the paper are made where Snakemake runs.
"""


def page(found: dict[str, Any]) -> str:
    kills = "\n".join(
        f"| {k['how']} | {k['job']} ({k['slurm']}) | {k['after_s']} |" for k in found["kills"]
    )
    shown = {
        name: ", ".join(f"`{own}`" for own in found[name]) or "none"
        for name in ("differ", "missing")
    }
    groups = ", ".join(f"`{rule}={group}`" for rule, group in GROUPS.items())
    by_state = ", ".join(f"{n} {state.lower()}" for state, n in sorted(found["states"].items()))
    fields = {"kills": kills, "groups": groups, "states": by_state, "n_kills": len(found["kills"])}
    return PAGE.format(**found | shown | fields)


def main() -> None:
    heed_signals()
    prepare()
    with tempfile.TemporaryDirectory(prefix="slowpoints-slurm-") as name:
        folder = Path(name)
        log = ROOT / "logs/slurm-test.txt"
        log.parent.mkdir(exist_ok=True)
        project, results = folder / "project", folder / "project/results/smoke"
        copy_project(project, "driver", "slurm", "train", "analysis", "figures", "paper")
        with cluster(folder / "slurm"):
            begun = time.monotonic()
            kills = through_slurm(project, log=log)
            slurm_s, ended = seconds_since(begun), states()
        results.rename(folder / "through-slurm")
        shutil.rmtree(project / ".snakemake")
        begun, cpus = time.monotonic(), os.cpu_count() or 1
        with snakemake(project, "--cores", str(cpus), log=folder / "local.txt") as running:
            running.wait()
        if running.returncode:
            raise SystemExit(
                "slurm-test: the run without SLURM "
                f"failed:\n{(folder / 'local.txt').read_text()[-3000:]}"
            )
        found = {
            "slurm": ask("slurmctld", "-V").split()[-1],
            "snakemake": version("snakemake"),
            "plugin": version("snakemake-executor-plugin-slurm"),
            "cpus": cpus,
            "jobs": sum(ended.values()),
            "states": ended,
            "kills": kills,
            "slurm_s": slurm_s,
            "local_s": seconds_since(begun),
            "steps": len(list((project / "benchmarks/smoke").rglob("*.tsv"))),
        } | compare(folder / "through-slurm", results)
    (ROOT / "docs/benchmarks/slurm.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )
    (ROOT / "docs/benchmarks/slurm.md").write_text(page(found), encoding="utf-8")
    if found["differ"] or found["missing"] or len(kills) < len(KILLS):
        sys.exit("slurm-test: not as it should be; see docs/benchmarks/slurm.md")


if __name__ == "__main__":
    main()
