"""What the curricula ask for, and when.

Classes in use and length of the sequence against the share of training.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from slowpoints.analyses._delayed import stage_at
from slowpoints.analyses._given import Given, Result
from slowpoints.training import curricula

COLUMNS = ("curriculum", "start", "n_classes", "t_max")
OF_TASKS = ("delayed_classification",)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return one row per curriculum of the experiment and stage; no network is looked at.

    start: the share of training done when the stage begins; t_max: steps of the sequence in use.
    """
    task = vars(given.records[0].task.settings)
    kinds = dict.fromkeys(record.train.curriculum for record in given.records)
    rows = [{"curriculum": kind} | stage for kind in kinds for stage in stages(kind, task)]
    return pd.DataFrame(rows, columns=list(COLUMNS)), {}


def stages(kind: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stages of a curriculum in order: when each starts, and what the task then is."""
    # stages start at whole thousands of these
    steps = 1 if kind == "none" else curricula.SCHEDULES[kind].length
    found: list[dict[str, Any]] = []
    for step in range(steps):
        now = stage_at(kind, task, step=step, steps=steps)
        stage = {"n_classes": now["n_classes"], "t_max": now["n_used_steps"]}
        if not found or stage.items() - found[-1].items():
            found.append({"start": step / steps} | stage)
    return found
