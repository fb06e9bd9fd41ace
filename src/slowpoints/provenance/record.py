"""The record of one network: its run, what became of it, and all that its numbers may depend on."""

import math
from dataclasses import dataclass, fields
from typing import Any

from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import BLOCKS, Blocks, Run
from slowpoints.spec.settings import NetBlock, TaskBlock
from slowpoints.spec.training import TrainSettings

Value = float | None


@dataclass(frozen=True)
class OfStudy:
    """What a study says of one of its networks."""

    valid: dict[str, Value]  # last validation metrics
    train_loss: Value
    tuned: dict[str, Any]  # metric, goal and sampler
    point: dict[str, Any] | None = (
        None  # where the model of the tuner has what was suggested; kept while it tunes
    )


@dataclass(frozen=True)
class Trained:
    """One trained network."""

    run: Run
    outcome: str  # ok, budget, diverged or stopped: see `training.outcome`
    steps: int  # at its last evaluation
    steps_to_solve: int | None  # at the first evaluation at which the task was solved
    solved: bool  # on test data
    metrics: dict[str, Value]  # on test data; None where not finite, or diverged
    # at every evaluation: step, mean loss since the last one, validation metrics
    curve: dict[str, list[float]]
    units: int
    n_parameters: int
    study: OfStudy | None = None

    @property
    def id(self) -> str:
        """Return the name of its run."""
        return self.run.id

    @property
    def is_lost(self) -> bool:
        """Return whether training diverged."""
        return self.outcome == "diverged"

    @property
    def task(self) -> TaskBlock:
        """Return the task of its run."""
        return self.run.task

    @property
    def net(self) -> NetBlock:
        """Return the `net` block of its run."""
        return self.run.net

    @property
    def train(self) -> TrainSettings:
        """Return how its run is trained."""
        return self.run.train

    @property
    def told(self) -> OfStudy:
        """Return what its study says of it."""
        if self.study is None:
            raise ValueError(f"{self.id} is no network of a study")
        return self.study

    def metric(self, name: str) -> float:
        """Return a test metric, NaN where it is not finite."""
        value = self.metrics[name]
        return math.nan if value is None else value

    def as_json(self) -> dict[str, Any]:
        """Return all of it, flat."""
        own = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("run", "study")
        }
        return self.run.as_json() | own | ({} if self.study is None else vars(self.study))


@dataclass(frozen=True)
class Facts:
    """What the numbers of a job may depend on besides its settings."""

    digests: dict[str, str]  # plan, code, env
    versions: dict[str, str]  # python, torch, numpy
    engine: str
    device: str
    matmul: str
    threads: int
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Record(Trained):
    """One trained network as its record file describes it."""

    facts: Facts
    weights: dict[str, str]  # file, and sha256 of its content
    row: int  # in that file

    def as_json(self) -> dict[str, Any]:
        """Return what the record file says."""
        own = super().as_json()
        return {
            name: value for name, value in own.items() if name not in ("facts", "point")
        } | vars(self.facts)


def run_from(content: dict[str, Any]) -> Run:
    """Return the run that a record or a plan describes.

    A setting that is newer than it has its default.
    """
    blocks: Blocks = resolve(*(content[name] for name in BLOCKS), where=content["id"])
    own = {name: content[name] for name in ("experiment", "arm", "sweep", "seed")}
    return Run(**own, **blocks._asdict(), suggested=content.get("suggested"))


def trained_from(content: dict[str, Any]) -> Trained:
    """Return what a checkpoint of a study says of a trained network."""
    return Trained(run_from(content), **_own(content))


def record_from(content: dict[str, Any]) -> Record:
    """Return a record from what its file says."""
    facts = Facts(**{field.name: content[field.name] for field in fields(Facts)})
    return Record(
        run_from(content),
        **_own(content),
        facts=facts,
        weights=content["weights"],
        row=content["row"],
    )


def _own(content: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `Trained` without its run."""
    own = {
        field.name: content[field.name]
        for field in fields(Trained)
        if field.name not in ("run", "study")
    }
    told = {field.name: content[field.name] for field in fields(OfStudy) if field.name in content}
    return own | {"study": OfStudy(**told) if told else None}
