"""Which metrics a task has, read from its file without importing it: a misspelt one is seen while planning."""

import ast
from functools import cache
from typing import Any

from slowpoints.spec.settings import tree
from slowpoints.spec.strict import SpecError, unknown


@cache
def metrics(task: str) -> frozenset[str]:
    """Return the names of the metrics that `score` of a task returns: the keys of the mapping it returns as written.

    A `score` imported from another task is that task's.
    """
    for node in tree("tasks", task).body:
        if isinstance(node, ast.FunctionDef) and node.name == "score":
            returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
            written = [key for value in returned if isinstance(value, ast.Dict) for key in value.keys]
            return frozenset(str(key.value) for key in written if isinstance(key, ast.Constant))
        if isinstance(node, ast.ImportFrom) and any((name.asname or name.name) == "score" for name in node.names):
            return metrics(str(node.module).rpartition(".")[2])
    return frozenset()


def check(run: dict[str, Any], tune: dict[str, Any], *, where: str) -> None:
    """Refuse a metric to stop at, or to tune by, that the task of a run does not have.    run: its resolved blocks"""
    known = metrics(run["task"]["name"])
    if not known:
        raise SpecError(f"{where}: task {run['task']['name']}: let score return its metrics as {{name: value, ...}}")
    stop = run["train"]["stop_metric"]
    if stop and stop not in known:
        raise unknown(stop, known, what="metric", where=f"{where}: train.stop_metric")
    if tune and tune["metric"] not in known:
        raise unknown(tune["metric"], known, what="metric", where=f"{where}: tune.metric")
