"""The parts that experiments name.

Cells, tasks and analyses, each one file of the folder of its kind.

Planning imports these files and asks them; see `stand_in` for how it does so without torch.
"""

from dataclasses import fields, is_dataclass
from functools import cache
from types import ModuleType
from typing import Any

from slowpoints.spec.stand_in import import_module
from slowpoints.spec.strict import SpecError, unknown

# What the file of every task has besides its class Settings; for the rest there are defaults, see
# tasks/definition.py.
OF_A_TASK = ("METRICS", "n_in", "n_out", "sample", "score", "solved", "constant", "baseline")
KIND = {"cells": "cell", "tasks": "task", "analyses": "analysis"}


def file_of(folder: str, name: str) -> str:
    """Return the file of a part as messages name it."""
    return f"src/slowpoints/{folder}/{name}.py"


@cache
def names(folder: str) -> list[str]:
    """Return the names of the parts of a folder, `cells`, `tasks` or `analyses`.

    What a YAML may name.
    """
    found: list[str] = import_module(f"slowpoints.{folder}").names()
    return found


@cache
def load(folder: str, name: str) -> ModuleType:
    """Import the file of a part and check that it has what its kind must have."""
    file = file_of(folder, name)
    try:
        module = import_module(f"slowpoints.{folder}.{name}")
    except SyntaxError as error:
        raise SpecError(f"{file}, line {error.lineno}: not Python: {error.msg}") from None
    except Exception as error:
        raise SpecError(
            f"{file}: cannot be imported ({type(error).__name__}: {error}). Planning imports "
            "it, maybe without torch: "
            f"compute with torch inside functions, not while the file is read"
        ) from None
    _check(folder, name, module)
    return module


def _check(folder: str, name: str, module: ModuleType) -> None:
    file = file_of(folder, name)
    if not is_dataclass(getattr(module, "Settings", None)):
        raise SpecError(f"{file}: lacks class Settings, a frozen dataclass of its settings")
    if folder == "cells" and not hasattr(module, "build"):
        raise SpecError(f"{file}: lacks build(settings), which returns the cell")
    if folder == "analyses" and not hasattr(module, "run"):
        raise SpecError(f"{file}: lacks run(given), which returns a table and arrays")
    if folder == "tasks":
        missing = [needed for needed in OF_A_TASK if not hasattr(module, needed)]
        if not hasattr(module, "loss") and not hasattr(module, "loss_kind"):
            missing.append("loss (or loss_kind)")
        if missing:
            raise SpecError(
                f"{file}: lacks {', '.join(missing)}; define them, or import them from another task"
            )
        _check_metrics(module, where=f"{file}: METRICS")


def _check_metrics(task: ModuleType, *, where: str) -> None:
    metrics = task.METRICS
    if (
        not isinstance(metrics, tuple)
        or not metrics
        or not all(isinstance(own, str) for own in metrics)
    ):
        raise SpecError(
            f'{where}: expected the names of what score returns, such as ("accuracy",); found '
            f"{metrics!r}"
        )


def attribute(folder: str, name: str, variable: str, default: Any) -> Any:
    """Return a constant of the file of a part, such as `PER_RUN` or `NEEDS`, or the default where
    it has none.
    """
    return getattr(load(folder, name), variable, default)


def settings_class(folder: str, name: str) -> type[Any]:
    """Return the `Settings` dataclass of a part."""
    found: type[Any] = load(folder, name).Settings
    return found


def has_setting(folder: str, name: str, setting: str) -> bool:
    """Return whether the `Settings` of a part have a field of this name."""
    return any(field.name == setting for field in fields(settings_class(folder, name)))


def named(folder: str, block: dict[str, Any], *, key: str, where: str) -> type[Any]:
    """Return the settings class of the part that `block[key]` names."""
    if key not in block:
        raise SpecError(f"{where}: missing {key}")
    if block[key] not in names(folder):
        raise unknown(block[key], names(folder), what=KIND[folder], where=f"{where}.{key}")
    return settings_class(folder, block[key])
