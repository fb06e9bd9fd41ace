"""What becomes of one run: its learning curve, when it solved the task, why it ended.

Kept whole in a checkpoint.
"""

import math
from dataclasses import dataclass, field

from slowpoints.spec.training import TrainSettings
from slowpoints.spec.tuning import Study


@dataclass
class Outcome:
    """One run so far; `outcome` stays empty until it has ended."""

    # ok: ended as planned; budget: out of steps before the stop rule held; diverged; stopped: at a
    outcome: str = ""
    # rung, where others of its study did better
    steps: int = 0  # at the last evaluation
    to_solve: int | None = None  # steps at the first evaluation at which the task was solved
    in_a_row: int = 0  # evaluations at which the stop rule held
    curve: dict[str, list[float]] = field(default_factory=dict)

    def note(
        self,
        train: TrainSettings,
        *,
        step: int,
        loss: float,
        metrics: dict[str, float],
        is_solved: bool,
    ) -> None:
        """Note what was found after `step` steps, and whether the run ends here.

        loss: mean since the last evaluation
        """
        self.steps = step
        if not math.isfinite(loss):
            self.outcome = "diverged"
            return
        values = {"step": float(step), "loss": loss} | metrics
        for name, value in values.items():
            self.curve.setdefault(name, []).append(value)
        if is_solved and self.to_solve is None:
            self.to_solve = step
        metric = train.stop_metric
        below = bool(metric) and values[metric] < train.stop_below
        self.in_a_row = self.in_a_row + 1 if below else 0
        if self.in_a_row >= train.stop_times:
            self.outcome = "ok"
        elif step >= train.steps:
            self.outcome = "budget" if metric else "ok"


def hopeless(outcomes: dict[int, Outcome], study: Study, *, share: float) -> list[int]:
    """Return which of some trials end at this evaluation.

    At a rung, all but the share that goes on (successive halving).

    outcomes: of trials in training, by run, all after the same `share` of their steps. Of equals
        the
    first goes on.
    """
    if not any(math.isclose(share, rung) for rung in study.rungs):
        return []
    sign = -1 if study.goal == "highest" else 1
    ranked = sorted(outcomes, key=lambda run: (sign * outcomes[run].curve[study.metric][-1], run))
    return ranked[n_going_on(study, len(ranked)) :]


def n_going_on(study: Study, n: int) -> int:
    """Return how many of n trials go on at a rung: their share, at least one."""
    return max(1, round(study.keep * n))
