"""Curricula: training step -> settings of the task (Haviv, Rivkind & Barak 2019).

Stages start at fixed fractions of the training, with no promotion thresholds. Delay curriculum
("DeCu"): the sequence grows. Vocabulary curriculum ("VoCu"): the number of classes grows. Each has
the schedule of the MNIST networks, and one of the CIFAR-10 networks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Schedule(NamedTuple):
    """A published schedule, in thousand steps."""

    length: int
    starts: tuple[int, ...]  # of the stages: T_max = 6, 8, ..., 20, or 2, 3, ..., 10 classes


SCHEDULES = {
    "delay": Schedule(140, (0, 20, 30, 40, 50, 60, 70, 80)),
    "vocabulary": Schedule(140, (0, 8, 16, 26, 36, 48, 62, 78, 98)),
    "delay_cifar": Schedule(300, (0, 100, 120, 140, 160, 180, 200, 220)),
    "vocabulary_cifar": Schedule(300, (0, 30, 60, 90, 120, 150, 180, 210, 240)),
}
FIRST_SPAN = 2  # the first delays are delay_min and one more
FIRST_CLASSES = 2


def stage(kind: str, *, step: int, steps: int, settings: Mapping[str, Any]) -> dict[str, int]:
    """Return the task settings that curriculum `kind` overrides at 0-based `step` of `steps`.

    `settings` are those of the whole task, where the last stage ends.
    Departs: for other sizes than the paper's (20 steps, 10 classes) the stages are spread evenly
    between its first stage and the whole.
    """
    if kind == "none":
        return {}
    if kind not in SCHEDULES:
        raise ValueError(f"unknown curriculum {kind!r}; known: none, {', '.join(SCHEDULES)}")
    schedule = SCHEDULES[kind]
    if kind.startswith("delay"):
        _require(settings, kind, ("n_steps", "n_used_steps", "delay_min"))
        whole = (
            settings["n_steps"] if settings["n_used_steps"] is None else settings["n_used_steps"]
        )
        return {
            "n_used_steps": _size(settings["delay_min"] + FIRST_SPAN, whole, schedule, step, steps)
        }
    _require(settings, kind, ("n_classes",))
    return {"n_classes": _size(FIRST_CLASSES, settings["n_classes"], schedule, step, steps)}


def _size(first: int, whole: int, schedule: Schedule, step: int, steps: int) -> int:
    """Return the size at `step`: from `first` to `whole`, one equal move at each of the later
    starts.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step is {step}; must lie in 0..{steps - 1}")
    stage = sum(step * schedule.length >= start * steps for start in schedule.starts) - 1
    first = min(first, whole)
    return first + (whole - first) * stage // (len(schedule.starts) - 1)


def _require(settings: Mapping[str, Any], kind: str, keys: tuple[str, ...]) -> None:
    if missing := [key for key in keys if key not in settings]:
        raise ValueError(
            f"curriculum {kind!r} needs a task with {', '.join(keys)}; this one lacks "
            f"{', '.join(missing)}"
        )
