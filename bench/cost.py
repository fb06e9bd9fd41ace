"""What a planned experiment costs, before anything runs: networks and floating-point operations.

A training step of P parameters on B sequences of T steps takes about 6 P B T operations: 2 P B T
forward, twice that backward (Collins et al. 2017 state no count of theirs). Evaluation is not
counted.
"""

from typing import NamedTuple

from slowpoints.engine import count_parameters
from slowpoints.plan import dag
from slowpoints.spec.stack import Stack
from slowpoints.spec.tuning import Study
from slowpoints.training.outcome import n_going_on
from slowpoints.training.stack import network

RATE = (
    1e13  # operations per second of one GPU in float32: an assumption, nothing of this was measured
)
SCALES = ("laptop", "paper")


class Cost(NamedTuple):
    """Of one experiment at one scale."""

    jobs: int
    networks: int
    most_parameters: int
    operations: float


def share_trained(study: Study, n: int) -> float:
    """Return how many whole trainings n trials of one stack come to, if some are stopped at the
    rungs.
    """
    alive, begun, total = n, 0.0, 0.0
    for rung in [*study.rungs, 1.0]:
        total += alive * (rung - begun)
        alive, begun = n_going_on(study, alive), rung
    return total


def n_trainings(study: Study) -> float:
    """Return how many whole trainings a study comes to.

    Its trials, stack by stack, and its reruns.
    """
    known, total = 0, float(study.reruns)
    while known < study.trials:
        n = study.n_next(known)
        known, total = known + n, total + share_trained(study, n)
    return total


def cost(scale: str, experiment: str) -> Cost:
    """Return the cost of one experiment; of steps that are tuned the planned number counts."""
    found = [_of_stack(stack) for stack in dag.all_stacks(scale, experiment).values()]
    return Cost(
        jobs=len(found),
        networks=sum(own.networks for own in found),
        most_parameters=max(own.most_parameters for own in found),
        operations=sum(own.operations for own in found),
    )


def _of_stack(stack: Stack) -> Cost:
    first = stack.runs[0]
    n_parameters = count_parameters(network(first.task, first.net))
    task = first.task.settings
    length = getattr(task, "n_steps", None) or task.n_targeted + task.n_interfering
    per_step = 6.0 * n_parameters * first.train.batch * length
    if stack.study:
        n_networks = stack.study.trials + stack.study.reruns
        n_steps = n_trainings(stack.study) * first.train.steps
    else:
        n_networks, n_steps = len(stack.runs), float(sum(run.train.steps for run in stack.runs))
    return Cost(1, n_networks, n_parameters, per_step * n_steps)


def page(paper: str) -> str:
    """Return the cost of all experiments of one paper as a page."""
    lines = [
        f"# What the experiments of {paper} cost",
        "Written by `make cost` from the plan, not from a run. A training step of P parameters "
        "on B sequences of T "
        "steps counts as 6 P B T operations; trials that successive halving stops count as far "
        "as they are trained. "
        f"Hours are operations at {RATE:.0e} per second, about what one GPU might do in "
        "float32: an assumption, not a "
        "measurement.",
    ]
    for scale in SCALES:
        names = [name for name, own in dag.experiments(scale).items() if own.paper == paper]
        rows = {name: cost(scale, name) for name in names}
        jobs, networks, most, operations = zip(*rows.values(), strict=True)
        total = Cost(sum(jobs), sum(networks), max(most), sum(operations))
        table = [
            "| experiment | jobs | networks | most parameters | operations | hours |",
            "|---|---|---|---|---|---|",
        ]
        table += [_line(name, own) for name, own in (rows | {"**all**": total}).items()]
        lines += [f"## `{scale}`", "\n".join(table)]
    return "\n\n".join(lines) + "\n"


def _line(name: str, own: Cost) -> str:
    hours = own.operations / RATE / 3600
    return (
        f"| {name} | {own.jobs} | {own.networks:,} | {own.most_parameters:,} | "
        f"{own.operations:.1e} | {hours:.2g} |"
    )
