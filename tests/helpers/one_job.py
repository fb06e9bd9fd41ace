"""Train one small stack in a process of its own, by the command line.

`python one_job.py FOLDER ROOM STEPS`.

ROOM: megabytes that training may take beyond what the imports have taken; 0 for no limit.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import safetensors.numpy  # noqa: F401 (under the limit nothing should be left to import)
import torch

from helpers.plans import ROOT, make_run
from slowpoints import cli
from slowpoints.plan import dag
from slowpoints.spec.stack import Stack
from slowpoints.training import job  # noqa: F401

N_RUNS = 8


def stack(steps: int) -> Stack:
    """Return eight networks whose training needs some hundred megabytes, for their lower layer."""
    task, net = {"name": "adding", "n_steps": 100}, {"cell": "gru", "units": 48, "depth": 2}
    runs = [make_run(i, task=task, net=net, steps=steps, batch=64) for i in range(N_RUNS)]
    return Stack("gru-0-0", "test", runs)


def command(folder: Path, *, room: int = 0, steps: int = 10) -> list[str]:
    """Return the command that trains the stack."""
    return [sys.executable, __file__, str(folder), str(room), str(steps)]


def call(
    folder: Path, *, room: int = 0, steps: int = 10, **env: str
) -> subprocess.CompletedProcess[str]:
    """Train the stack, its results in `folder`."""
    words = command(folder, room=room, steps=steps)
    return subprocess.run(
        words, env=surroundings() | env, capture_output=True, text=True, check=False
    )


def surroundings() -> dict[str, str]:
    """Return the environment variables of the process."""
    return os.environ | {
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}",
        "SLOWPOINTS_DRIVER": "",
        "OMP_NUM_THREADS": "1",
    }


def main(folder: Path, room: int, steps: int) -> int:
    dag.stack = lambda *_: stack(steps)
    if room:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + room * 2**20, resource.RLIM_INFINITY))
    files = [
        f"--{name}={folder / f'x.{name}'}"
        for name in ("plan", "records", "weights", "provenance", "checkpoint")
    ]
    sys.argv = [
        "slowpoints",
        "train",
        "--scale=smoke",
        "--experiment=test",
        "--stack=gru-0-0",
        *files,
    ]
    torch.zeros(1).requires_grad_().sum().backward()  # what the first step of all takes
    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
