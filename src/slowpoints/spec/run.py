"""One network to be trained, with every setting resolved.

What a plan says of it, and what its record repeats.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from slowpoints.spec.settings import NetBlock, TaskBlock
from slowpoints.spec.training import TrainSettings

BLOCKS = ("task", "net", "train")  # the settings of a run


class Blocks(NamedTuple):
    """The settings of a run by what they concern."""

    task: TaskBlock
    net: NetBlock
    train: TrainSettings

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Return the three blocks as they are written in plans and records."""
        return {
            "task": self.task.as_json(),
            "net": self.net.as_json(),
            "train": dict(vars(self.train)),
        }


@dataclass(frozen=True)
class Run:
    """One network to be trained: arm x sweep point x seed."""

    experiment: str
    arm: str
    sweep: dict[str, Any]  # {dotted key: value}; of a study also its number and phase
    seed: int
    task: TaskBlock
    net: NetBlock
    train: TrainSettings
    suggested: dict[str, Any] | None = (
        None  # of a study: the settings that were suggested, {dotted key: value}
    )

    @property
    def id(self) -> str:
        """Return the run's name: unique in the pipeline, stable when other runs are added.

        Whatever the order of the sweep: files sort its keys.
        """
        point = ",".join(
            f"{key.split('.')[-1]}={value}"
            for key, value in sorted(self.sweep.items())
            if key != "phase"
        )
        return "/".join(
            filter(
                None, (self.experiment, self.arm, point, self.sweep.get("phase"), str(self.seed))
            )
        )

    @property
    def blocks(self) -> Blocks:
        """Return the settings by what they concern."""
        return Blocks(self.task, self.net, self.train)

    def as_json(self) -> dict[str, Any]:
        """Return what plans and records say of the run."""
        own = {
            "experiment": self.experiment,
            "arm": self.arm,
            "sweep": self.sweep,
            "seed": self.seed,
            "id": self.id,
        }
        suggested = {} if self.suggested is None else {"suggested": self.suggested}
        return own | self.blocks.as_json() | suggested
