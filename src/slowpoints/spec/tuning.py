"""How the settings of a run are searched.

A space of settings, how many are tried, by whom, and judged by what.
"""

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from slowpoints.paths import SPACES
from slowpoints.spec.parts import has_setting, names, settings_class
from slowpoints.spec.reading import read_yaml
from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import Blocks
from slowpoints.spec.settings import PER_RUN_NET, NetSettings
from slowpoints.spec.strict import SpecError, hints, shown, typed, unknown
from slowpoints.spec.training import PER_RUN_TRAIN, TrainSettings

KINDS = ("uniform", "log", "logit", "integer", "choice")
OWN = {
    "net": {f.name for f in fields(NetSettings)},
    "train": {f.name for f in fields(TrainSettings)},
}
# What the networks of a study must share: the shape of their stack, and where they start from.
SHARED = {
    "net": OWN["net"] - set(PER_RUN_NET),
    "train": OWN["train"] - set(PER_RUN_TRAIN) | {"start_arm", "regularise"},
}


class Distribution(NamedTuple):
    """The values one setting may take.

    uniform, integer: [low, high]; log: uniform in the logarithm; logit: 1 / (1 + exp(-u)), u
    uniform in [low, high];
    choice: a list of names. `per`: one value for each affine stream of the cell, or for each gate
    that keeps.
    """

    kind: str
    values: tuple[Any, ...]
    per: str = "run"


@dataclass(frozen=True)
class TuneSettings:
    """One study per arm and sweep point.

    What is suggested, how often, and what is trained again afterwards.
    """

    metric: str  # of the validation data: the only thing that the tuner sees
    goal: Literal["highest", "lowest"]
    space: str  # a file of config/spaces
    trials: int
    # beside the space, or in place of its entries
    also: dict[str, Any] = field(default_factory=dict)
    sampler: Literal["gp", "random"] = "gp"
    first: int = 8  # trials spread evenly over the space before the first model of it
    together: int = 8  # trials suggested at once, and trained as one stack
    rungs: tuple[float, ...] = ()  # successive halving: at these shares of the steps ...
    keep: float = 0.5  # ... this share of the trials goes on; without rungs all do
    reruns: int = 0  # the best setting once more, each with its own seed and data: what is reported
    # a swept key: the first trials lie around the best of the next value before
    follow: str = ""

    def __post_init__(self) -> None:
        for name in ("trials", "first", "together"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.reruns < 0:
            raise ValueError(f"reruns must not be negative, found {self.reruns}")
        if list(self.rungs) != sorted(set(self.rungs)) or not all(
            0 < rung < 1 for rung in self.rungs
        ):
            raise ValueError(
                "rungs are shares of the steps between 0 and 1, each once, in order; found "
                f"{self.rungs}"
            )
        if not 0 < self.keep < 1:
            raise ValueError(f"keep is the share that goes on, between 0 and 1; found {self.keep}")


def space(tune: TuneSettings, *, where: str) -> dict[str, Distribution]:
    """Return {dotted key: distribution} of a study, every entry checked."""
    known = sorted(path.stem for path in SPACES.glob("*.yaml"))
    if tune.space not in known:
        raise unknown(tune.space, known, what="space", where=f"{where}.space")
    listed = {
        key: (f"config/spaces/{tune.space}.yaml", value)
        for key, value in read_yaml(_file(tune.space)).items()
    }
    listed |= {key: (f"{where}.also", value) for key, value in tune.also.items()}
    return {
        key: _distribution(key, value, where=f"{place}: {key}")
        for key, (place, value) in listed.items()
    }


def _file(name: str) -> Path:
    return SPACES / f"{name}.yaml"


@dataclass(frozen=True)
class Study:
    """How one run is tuned; see `TuneSettings`."""

    metric: str
    goal: Literal["highest", "lowest"]
    trials: int
    sampler: Literal["gp", "random"]
    first: int
    together: int
    rungs: tuple[float, ...]
    keep: float
    reruns: int
    space: dict[str, Distribution]  # by dotted key
    follows: str = ""  # the run whose study is over before: its best trial is tried first

    def as_json(self) -> dict[str, Any]:
        """Return what a plan says of it."""
        own = dict(vars(self)) | {"space": {key: d._asdict() for key, d in self.space.items()}}
        return {key: value for key, value in own.items() if key != "follows" or value}

    def n_next(self, n_known: int) -> int:
        """Return how many trials are suggested next.

        The first model waits for all of the first trials.
        """
        ahead = self.first if n_known < self.first else self.trials
        return min(self.together, ahead - n_known, self.trials - n_known)


def study(
    tune: TuneSettings, whole: dict[str, Distribution], run: Blocks, *, fixed: set[str], where: str
) -> Study:
    """Return how one run is tuned.

    fixed: keys that are not tuned

    A key that the run's cell or task lacks is left out, and so are choices that its settings
    refuse.
    """
    where, given = f"{where}, config/spaces/{tune.space}.yaml", run.as_json()
    mine = {
        key: own
        for key, own in whole.items()
        if key not in fixed and _part(key)[1] in given[_part(key)[0]]
    }
    if not mine:
        raise SpecError(f"{where}: nothing is left to tune; keys of the space: {sorted(whole)}")
    if "train.steps" in mine and tune.rungs:
        raise SpecError(
            f"{where}: rungs compare trials after equal shares of equal steps: do not tune "
            "train.steps"
        )
    for rung in tune.rungs:
        at = round(rung * run.train.steps)
        if at % run.train.eval_every or not at:
            raise SpecError(
                f"{where}: rung {rung}: no evaluation after this share of {run.train.steps} steps"
            )
    allowed = {key: _allowed(key, own, run, where=where) for key, own in sorted(mine.items())}
    settings = {
        name: value for name, value in vars(tune).items() if name not in ("space", "also", "follow")
    }
    return Study(**settings, space=allowed)


def _part(key: str) -> tuple[str, str]:
    block, _, name = key.partition(".")
    return block, name


def _allowed(key: str, own: Distribution, run: Blocks, *, where: str) -> Distribution:
    """Return a distribution without choices that the run's settings refuse.

    A refused range is an error.
    """
    if own.kind != "choice":
        for value in own.values:
            with_values(run, {key: real(own.kind, value)}, where=f"{where}: {key}")
        return own
    kept = tuple(value for value in own.values if _resolves(run, {key: value}))
    if len(kept) < 2:
        raise SpecError(
            f"{where}: {key}: of {list(own.values)} only {list(kept)} can be used; set it "
            "in the arm"
        )
    return own._replace(values=kept)


def _resolves(run: Blocks, values: dict[str, Any]) -> bool:
    try:
        with_values(run, values, where="")
    except SpecError:
        return False
    return True


def real(kind: str, value: Any) -> Any:
    """Return what the setting itself becomes: of a logit its share, of anything else the value."""
    return 1 / (1 + math.exp(-value)) if kind == "logit" else value


def in_space(kind: str, setting: Any) -> Any:
    """Return the value that became a setting: of a share its logit, of anything else itself."""
    return math.log(setting / (1 - setting)) if kind == "logit" else setting


def with_values(run: Blocks, values: dict[str, Any], *, where: str) -> Blocks:
    """Return the three blocks of a run with some settings replaced, checked.

    values: {dotted key: value}

    <block>.<key>.<part> sets one part of a setting that has several, such as the scale of one
    stream. Steps are rounded to whole evaluations.
    """
    blocks = run.as_json()
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for key, value in values.items():
        block, name, *part = key.split(".")
        if part:
            parts.setdefault((block, name), {})[part[0]] = value
        else:
            blocks[block][name] = value
    for (block, name), mapping in parts.items():
        blocks[block][name] = mapping
    every = blocks["train"]["eval_every"]
    blocks["train"]["steps"] = max(1, round(blocks["train"]["steps"] / every)) * every
    return resolve(blocks["task"], blocks["net"], blocks["train"], where=where)


def _distribution(key: str, value: Any, *, where: str) -> Distribution:
    """Return one entry of a space, such as {log: [1.0e-4, 1.0e-1]} or {choice.

    [adam, sgd]}, checked.
    """
    _check_key(key, where=where)
    kinds = [kind for kind in KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        raise SpecError(
            f"{where}: expected one of {', '.join(KINDS)}, such as {{log: [0.001, 1.0]}}; "
            f"found {shown(value)}"
        )
    rest = {name: own for name, own in value.items() if name != kinds[0]}
    per = rest.pop("per", "run")
    if rest or per not in ("run", "stream", "keep"):
        raise SpecError(
            f"{where}: beside {kinds[0]} only per: stream or per: keep; found {shown(value)}"
        )
    values = _values(kinds[0], value[kinds[0]], where=where)
    for own in values if kinds[0] == "choice" else ():
        _check_choice(key, own, where=where)
    return Distribution(kinds[0], values, per)


def _check_choice(key: str, value: Any, *, where: str) -> None:
    """Refuse a choice that no settings take: one that only some take is left out for the others."""
    block, name = _part(key)
    folder = {"net": "cells", "task": "tasks"}.get(block)
    classes: list[Any] = (
        [NetSettings if block == "net" else TrainSettings] if name in OWN.get(block, ()) else []
    )
    if folder and not classes:
        classes = [
            settings_class(folder, file)
            for file in names(folder)
            if has_setting(folder, file, name)
        ]
    errors = []
    for cls in classes:
        try:
            typed(value, hints(cls)[name], where=where)
        except SpecError as error:
            errors.append(error)
    if len(errors) == len(classes):
        raise errors[0]


def _values(kind: str, values: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise SpecError(f"{where}: {kind} takes a list, found {shown(values)}")
    if kind == "choice":
        if len(values) < 2 or len(set(map(str, values))) < len(values):
            raise SpecError(
                f"{where}: choice takes two or more different values, found {shown(values)}"
            )
        return tuple(values)
    wanted = (int,) if kind == "integer" else (int, float)
    is_range = len(values) == 2 and all(
        isinstance(v, wanted) and not isinstance(v, bool) for v in values
    )
    if not is_range or not values[0] < values[1] or (kind == "log" and values[0] <= 0):
        what = {"log": "two positive numbers", "integer": "two whole numbers"}.get(
            kind, "two numbers"
        )
        raise SpecError(f"{where}: {kind} takes {what}, the lower first; found {shown(values)}")
    return tuple(values)


def _check_key(key: str, *, where: str) -> None:
    """Refuse a key that no run has, or that the networks of a study must share."""
    block, _, name = key.partition(".")
    if block not in ("task", "net", "train") or not name:
        raise SpecError(f"{where}: expected <block>.<key> with block one of task, net, train")
    if name in SHARED.get(block, ()):
        raise SpecError(f"{where}: cannot be tuned: the networks of a study share it")
    folder = {"net": "cells", "task": "tasks"}.get(block)
    if name in OWN.get(block, ()) or (
        folder and any(has_setting(folder, file, name) for file in names(folder))
    ):
        return
    raise SpecError(f"{where}: no such setting")
