"""What is to be remembered: one file per task; the file name is the name used in an experiment."""

import importlib
from pathlib import Path

from slowpoints.engine.draws import Draws
from slowpoints.tasks._batch import Batch, stacked
from slowpoints.tasks._measures import LOSSES
from slowpoints.tasks.definition import Split, Task, TaskError

__all__ = ["LOSSES", "Batch", "Draws", "Split", "Task", "TaskError", "load", "names", "stacked"]


def names() -> list[str]:
    """Return the names of all tasks, sorted: the public files of this folder."""
    files = {file.stem for folder in __path__ for file in Path(folder).glob("[!_]*.py")}
    return sorted(files - {"definition"})


def load(name: str) -> Task:
    """Return the task that a file of this folder defines."""
    if name not in names():
        raise KeyError(f"unknown task {name!r}; known: {', '.join(names())}")
    return Task(importlib.import_module(f"{__name__}.{name}"))
