"""How far one job is, and what became of networks so far.

From checkpoints and records, read as plain bytes.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints import paths
from slowpoints.spec.stack import Stack

DIVERGED = b'"outcome": "diverged"'


class Step(NamedTuple):
    """Of a training job: steps of its networks, how many have ended, and how many of these
    diverged.
    """

    step: int
    of: int
    ended: int
    networks: int
    diverged: int

    @property
    def share(self) -> float:
        """Return the share of the work that is done, if no network stops early."""
        going = self.networks - self.ended
        return (self.ended + going * self.step / self.of) / self.networks


def output(scale: str, job: str) -> str:
    """Return the file that a job leaves when it is done."""
    parts = job.split("/")
    if len(parts) == 3:
        own = paths.run_file if parts[1] == "train" else paths.table
        return own(scale, parts[0], parts[2])
    ending = {"data": ".json", "figures": ".pdf", "claims": ".csv", "paper": ".pdf"}[parts[0]]
    return paths.whole(scale, f"{job}{'.csv' if job == 'data/authors_trials' else ending}")


def checkpoint_state(path: Path) -> dict[str, Any] | None:
    """Return the counters and curves in a checkpoint without its arrays.

    None if there is none, or it is replaced.
    """
    try:
        with path.open("rb") as file:
            n = int.from_bytes(file.read(8), "little")
            begin, end = json.loads(file.read(n))["state"]["data_offsets"]
            file.seek(8 + n + begin)
            found: dict[str, Any] = json.loads(file.read(end - begin))["state"]
    except (OSError, ValueError, KeyError):
        return None
    return found


def training(root: Path, scale: str, stack: Stack) -> Step | None:
    """Return how far the training of a stack or a study is; None before its first checkpoint."""
    path = root / paths.checkpoint(scale, stack.experiment, stack.name)
    steps = max(run.train.steps for run in stack.runs)
    if not stack.study:
        state = checkpoint_state(path)
        return None if state is None else _of(state["outcomes"], steps, n=len(state["outcomes"]))
    told = (checkpoint_state(path) or {"records": []})["records"]
    now = checkpoint_state(path.with_stem(f"{path.stem}-stack")) or {"outcomes": []}
    if not told and not now["outcomes"]:
        return None
    n = stack.study.trials + stack.study.reruns
    before, own = _of(told, steps, n=n), _of(now["outcomes"], steps, n=n)
    return own._replace(ended=before.ended + own.ended, diverged=before.diverged + own.diverged)


def _of(outcomes: list[dict[str, Any]], steps: int, *, n: int) -> Step:
    ended = [own for own in outcomes if own["outcome"]]
    going = [own["steps"] for own in outcomes if not own["outcome"]]
    diverged = sum(own["outcome"] == "diverged" for own in ended)
    return Step(max(going, default=0), steps, len(ended), n, diverged)


def diverged(path: Path) -> int:
    """Return how many networks diverged of those whose records are in `path`."""
    return path.read_bytes().count(DIVERGED)
