"""A stack: the networks that one job trains together."""

from dataclasses import dataclass
from typing import Any

from slowpoints.spec.canonical import digest
from slowpoints.spec.run import Run
from slowpoints.spec.tuning import Study


@dataclass(frozen=True)
class Stack:
    """Runs that share every setting except those that may differ inside a stack.

    Or one run, its settings tuned.
    """

    name: str
    experiment: str
    runs: list[Run]
    study: Study | None = None

    @property
    def start(self) -> str:
        """Return the experiment whose trained networks this stack starts from, or ''."""
        return self.runs[0].train.start

    def as_json(self) -> dict[str, Any]:
        """Return what the plan file says: every run with every setting, and a digest of it all."""
        runs = [run.as_json() for run in self.runs]
        content: dict[str, Any] = {"experiment": self.experiment, "stack": self.name, "runs": runs}
        content |= {"tune": self.study.as_json()} if self.study else {}
        return content | {"digest": digest(content)}

    @property
    def digest(self) -> str:
        """Return the digest of all that the plan file says."""
        return str(self.as_json()["digest"])
