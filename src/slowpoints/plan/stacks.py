"""Stacks: runs of equal shape, trained together; filled in blocks of seeds, so that more seeds mean more stacks."""

from collections import defaultdict
from itertools import groupby
from typing import Any, NamedTuple

from slowpoints.spec.canonical import digest, shape
from slowpoints.spec.experiment import Experiment, Run
from slowpoints.spec.tuning import BLOCKS


class Stack(NamedTuple):
    """Runs that share every setting except those that may differ inside a stack; or one run, its settings tuned."""

    name: str
    experiment: str
    runs: list[Run]
    tune: dict[str, Any]

    def plan(self) -> dict[str, Any]:
        """Return what the plan file says: every run with every setting, and a digest of it all."""
        runs = [run._asdict() | {"id": run.id} for run in self.runs]
        content: dict[str, Any] = {"experiment": self.experiment, "stack": self.name, "runs": runs}
        content |= {"tune": self.tune} if self.tune else {}
        return content | {"digest": digest(content)}

    @property
    def start(self) -> str:
        """Return the experiment whose trained networks this stack starts from, or ''."""
        return str(self.runs[0].train["start"])


def stacks(experiment: Experiment) -> list[Stack]:
    """Return the stacks of an experiment, in a stable order."""
    if experiment.studies:
        return [_study(experiment, run) for run in experiment.runs]
    groups: dict[tuple[str, int], list[Run]] = defaultdict(list)
    for _, runs in groupby(experiment.runs, key=lambda run: (run.arm, run.sweep)):  # seeds share their settings
        first, *others = runs
        key = digest([experiment.name, experiment.scale, shape(first._asdict(), *BLOCKS)])[:8]
        for run in (first, *others):
            groups[f"{run.net['cell']}-{key}", run.seed // experiment.seeds_per_stack].append(run)
    return [Stack(f"{key}-{block}", experiment.name, runs, {}) for (key, block), runs in groups.items()]


def _study(experiment: Experiment, run: Run) -> Stack:
    """Return the stack of one study: its trials are suggested while it runs."""
    key = digest([experiment.name, experiment.scale, run.arm, run.sweep])[:8]
    return Stack(f"{run.net['cell']}-{key}-{run.seed}", experiment.name, [run], experiment.studies[run.id])
