"""How a command is described: its function, its options, and the environment it runs in. Standard library only."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

FILE: dict[str, Any] = {"type": Path, "required": True}
FILES: dict[str, Any] = {"type": Path, "nargs": "*", "default": []}
TEXT: dict[str, Any] = {"required": True}


class Command(NamedTuple):
    """One command: its docstring is its help, its name with dashes the word to type."""

    call: Callable[[argparse.Namespace], None]
    options: dict[str, dict[str, Any]]
    stage: str | None = None  # the environment it needs; None: the rule that calls it has chosen one

    @property
    def name(self) -> str:
        """Return the word to type."""
        return self.call.__name__.replace("_", "-")
