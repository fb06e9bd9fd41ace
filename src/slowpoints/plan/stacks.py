"""Stacks: runs of equal shape, trained together.

Filled in blocks of seeds, so that more seeds mean more stacks.
"""

from collections import defaultdict
from itertools import groupby

from slowpoints.spec.canonical import digest, shape
from slowpoints.spec.experiment import Experiment
from slowpoints.spec.run import BLOCKS, Run
from slowpoints.spec.stack import Stack


def stacks(experiment: Experiment) -> list[Stack]:
    """Return the stacks of an experiment, in a stable order."""
    if experiment.studies:
        return [_study(experiment, run) for run in experiment.runs]
    groups: dict[tuple[str, int], list[Run]] = defaultdict(list)
    for _, runs in groupby(
        experiment.runs, key=lambda run: (run.arm, run.sweep)
    ):  # seeds share their settings
        first, *others = runs
        key = digest([experiment.name, experiment.scale, shape(first.blocks, *BLOCKS)])[:8]
        for run in (first, *others):
            groups[f"{run.net.cell}-{key}", run.seed // experiment.seeds_per_stack].append(run)
    return [Stack(f"{key}-{block}", experiment.name, runs) for (key, block), runs in groups.items()]


def _study(experiment: Experiment, run: Run) -> Stack:
    """Return the stack of one study: its trials are suggested while it runs."""
    key = digest([experiment.name, experiment.scale, run.arm, run.sweep])[:8]
    return Stack(
        f"{run.net.cell}-{key}-{run.seed}", experiment.name, [run], experiment.studies[run.id]
    )
