"""Which scale this machine can run, and for about how long.

Kept costs of another machine, and how fast this one is.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.machine.doctor.speed import Speed
from slowpoints.machine.doctor.words import Finding, duration, size

COSTS = Path("docs/benchmarks/costs.json")
SPREAD = 1.5  # a measured scale: between the estimate divided and multiplied by this
RECKONED = 4.0  # a scale that was never run here: the same, with what is known of its plan alone
LONG_S = 24 * 3600.0


class Machine(NamedTuple):
    """What an estimate depends on."""

    cores: int
    memory: float  # bytes free
    speed: Speed
    has_gpu: bool


def kept(root: Path) -> dict[str, Any]:
    """Return the kept costs; docs/benchmarks/costs.md explains them."""
    found: dict[str, Any] = json.loads((root / COSTS).read_text(encoding="utf-8"))
    return found


def seconds(cost: dict[str, Any], machine: Machine, *, reference: float) -> float:
    """Return about how long one scale takes.

    Its jobs over the cores, and never less than its longest job.

    reference: rounds of work per second of a core of the machine that the costs were measured on
    """
    speed = machine.speed.rounds_per_s / reference
    fit = max(1, int(machine.memory // (cost["max_rss_mb"] * 1e6)))
    return float(max(cost["seconds"] / min(machine.cores, fit), cost["longest_s"]) / speed)


def scales(costs: dict[str, Any], machine: Machine) -> list[Finding]:
    """Return one finding per scale: whether it can be run here, and for how long."""
    reference = costs["machine"]["rounds_per_s"]
    return [_scale(name, cost, machine, reference) for name, cost in costs["scales"].items()]


def _scale(name: str, cost: dict[str, Any], machine: Machine, reference: float) -> Finding:
    about = seconds(cost, machine, reference=reference)
    spread = SPREAD if cost["measured"] else RECKONED
    says = (
        f"about {duration(about)} (between {duration(about / spread)} and "
        f"{duration(about * spread)})"
    )
    basis = f"{cost['jobs']} jobs, {duration(cost['seconds'])} if one ran at a time"
    what = f"scale {name}"
    if machine.memory < cost["max_rss_mb"] * 1e6:
        return Finding(
            "problem",
            what,
            f"its largest job takes {size(cost['max_rss_mb'] * 1e6)} of memory",
            "free memory, or use another machine",
        )
    if about > LONG_S:
        here = (
            "a GPU is here; on it training is much shorter, not measured"
            if machine.has_gpu
            else "no GPU is here"
        )
        todo = "use a GPU (--config torch=cuda device=cuda) or a cluster (--profile profiles/slurm)"
        return Finding("note", what, f"{says}; {basis}, estimated from its plan; {here}", todo)
    return Finding(
        "ok", what, f"{says}; {basis}, {'from a run' if cost['measured'] else 'estimated'}"
    )


def explained(costs: dict[str, Any], machine: Machine) -> Finding:
    """Return how the times above were estimated."""
    ratio = machine.speed.rounds_per_s / costs["machine"]["rounds_per_s"]
    says = (
        f"each of {machine.cores} cores does {ratio:.2f} of the work of a core of the machine "
        f"of {COSTS.stem}.md"
        " (whole-number powers, not matrices: hence the range); times are the sum of its jobs' "
        "times over these cores"
    )
    if machine.speed.share < 0.8:
        says += f". Other programs left it {machine.speed.share:.0%} of the cores just now"
        return Finding("note", "speed", says, "while they run, divide the times by that share")
    return Finding("ok", "speed", says)
