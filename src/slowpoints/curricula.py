"""Curricula: training step -> settings of the task (Haviv, Rivkind & Barak 2019, MNIST schedules).

Stages start at fixed fractions of the training, with no promotion thresholds. Delay curriculum ("DeCu"): the
sequence grows. Vocabulary curriculum ("VoCu"): the number of classes grows.
"""

from collections.abc import Mapping
from typing import Any

THOUSANDS = 140  # length of the published schedules, in thousand steps
DELAY_STARTS = (0, 20, 30, 40, 50, 60, 70, 80)  # T_max = 6, 8, ..., 20
VOCABULARY_STARTS = (0, 8, 16, 26, 36, 48, 62, 78, 98)  # 2, 3, ..., 10 classes
FIRST_SPAN = 2  # the first delays are delay_min and one more
FIRST_CLASSES = 2


def stage(kind: str, *, step: int, steps: int, settings: Mapping[str, Any]) -> dict[str, int]:
    """Return the task settings that curriculum `kind` overrides at 0-based `step` of `steps`.

    `settings` are those of the whole task, where the last stage ends.
    Departs: for other sizes than the paper's (20 steps, 10 classes) the stages are spread evenly between its
    first stage and the whole.
    """
    if kind == "none":
        return {}
    if kind == "delay":
        _require(settings, kind, ("n_steps", "n_used_steps", "delay_min"))
        whole = settings["n_steps"] if settings["n_used_steps"] is None else settings["n_used_steps"]
        return {"n_used_steps": _size(settings["delay_min"] + FIRST_SPAN, whole, DELAY_STARTS, step, steps)}
    if kind == "vocabulary":
        _require(settings, kind, ("n_classes",))
        return {"n_classes": _size(FIRST_CLASSES, settings["n_classes"], VOCABULARY_STARTS, step, steps)}
    raise ValueError(f"unknown curriculum {kind!r}; known: none, delay, vocabulary")


def _size(first: int, whole: int, starts: tuple[int, ...], step: int, steps: int) -> int:
    """Return the size at `step`: from `first` to `whole`, one equal move at each of the later starts."""
    if not 0 <= step < steps:
        raise ValueError(f"step is {step}; must lie in 0..{steps - 1}")
    stage = sum(step * THOUSANDS >= start * steps for start in starts) - 1
    first = min(first, whole)
    return first + (whole - first) * stage // (len(starts) - 1)


def _require(settings: Mapping[str, Any], kind: str, keys: tuple[str, ...]) -> None:
    if missing := [key for key in keys if key not in settings]:
        raise ValueError(
            f"curriculum {kind!r} needs a task with {', '.join(keys)}; this one lacks {', '.join(missing)}"
        )
