"""An experiment file as it is written, and what it says at one scale."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slowpoints.spec.claims import Fixed
from slowpoints.spec.joins import Paper, joined
from slowpoints.spec.parts import names
from slowpoints.spec.points import Point, points
from slowpoints.spec.strict import SpecError, shown, unknown

SCALES = ("smoke", "laptop", "night", "paper")
MOST_RUNS = 1_000_000
# exclude each other: the later word counts
TWINS = {"net.units": "net.budget", "net.budget": "net.units"}
ARM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Envelope:
    """The keys of an experiment file.

    Arms, scales and sweeps override blocks by dotted keys (`train.lr`).
    """

    paper: Paper
    question: str
    task: dict[str, Any]
    net: dict[str, Any]
    train: dict[str, Any]
    arms: dict[str, Any]
    analyses: list[Any]
    seeds: int
    seeds_per_stack: int = 16
    # arms for cells that ask to join, "{cell}" for the name
    join: dict[str, Any] = field(default_factory=dict)
    sweep: dict[str, Any] = field(default_factory=dict)
    # what else changes at some values of the sweep: see spec/points.py
    at: dict[str, Any] = field(default_factory=dict)
    # with it, every arm and sweep point has as many studies as there are seeds
    tune: dict[str, Any] = field(default_factory=dict)
    scales: dict[str, Any] = field(default_factory=dict)
    # when the claims were written: see spec/claims.py
    fixed: Fixed = "before"
    claims: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.seeds_per_stack < 1:
            raise ValueError(f"seeds_per_stack must be at least 1, found {self.seeds_per_stack}")
        if not self.arms:
            raise ValueError("arms: name at least one, such as gru: {net.cell: gru}")


class Scaled(NamedTuple):
    """What an experiment's file says at one scale, its blocks apart."""

    sweep: dict[str, list[Any]]
    arms: dict[str, dict[str, Any]]
    seeds: int
    points: list[Point]

    def runs_of(self, point: Point, *, where: str) -> tuple[list[str], int]:
        """Return the arms that run at a point, and the number of their seeds."""
        seeds = point.overrides.get("seeds", self.seeds)
        _check_seeds(seeds, where=where)
        listed = point.overrides.get("arms", list(self.arms))
        return list(_listed_arms(listed, self.arms, where=f"{where}.arms")), seeds


def scaled_at(
    envelope: Envelope, scale: Any, blocks: dict[str, dict[str, Any]], *, where: str
) -> Scaled:
    """Return what a file says at one scale; its keys of blocks are written into `blocks`."""
    if not isinstance(scale, dict):
        raise SpecError(f"{where}: expected a mapping, found {shown(scale)}")
    sweep, seeds, at = dict(envelope.sweep), envelope.seeds, envelope.at
    arms = envelope.arms | joining(envelope, where=where)
    for key, value in scale.items():
        if key == "seeds":
            seeds = value
        elif key == "at":
            at = value
        elif key == "arms":
            arms = _listed_arms(value, arms, where=f"{where}.arms") | joining(envelope, where=where)
        elif key.startswith("sweep."):
            sweep[key.removeprefix("sweep.")] = value
        else:
            override(blocks, key, value, where=where)
    _check_seeds(seeds, where=where)
    for name, overrides in arms.items():
        if not ARM.fullmatch(name):
            raise SpecError(
                f"{where}: arms.{name}: a name is letters, digits and . _ + -, such as gru-deep"
            )
        if not isinstance(overrides, dict):
            raise SpecError(
                f"{where}: arms.{name}: expected a mapping of overrides such as net.cell: gru"
            )
    _check_sweep(sweep, where=where)
    return Scaled(sweep, arms, seeds, points(sweep, at, where=f"{where}: at"))


def _check_seeds(seeds: Any, *, where: str) -> None:
    if not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1:
        raise SpecError(f"{where}: seeds: expected a whole number from 1, found {shown(seeds)}")


def joining(envelope: Envelope, *, where: str) -> dict[str, Any]:
    """Return the arms of cells whose file says `JOINS = (<paper>, ...)`.

    One file adds a cell to a paper's figures.
    """
    for arm, block in envelope.join.items():
        if "{cell}" not in arm or not isinstance(block, dict):
            raise SpecError(
                f"{where}: join.{arm}: expected such as '{{cell}}-deep': {{net.cell: '{{cell}}'}}"
            )
    joining = [name for name in names("cells") if envelope.paper in joined(name)]
    return {
        arm.replace("{cell}", name): {
            k: v.replace("{cell}", name) if k == "net.cell" else v for k, v in block.items()
        }
        for name in joining
        for arm, block in envelope.join.items()
    }


def _listed_arms(listed: Any, arms: dict[str, Any], *, where: str) -> dict[str, Any]:
    """Return the arms that a scale lists."""
    if not isinstance(listed, list) or not listed:
        raise SpecError(f"{where}: expected a list of arms, found {shown(listed)}")
    for name in listed:
        if not isinstance(name, str) or name not in arms:
            raise unknown(name, arms, what="arm", where=where)
        if listed.count(name) > 1:
            raise SpecError(f"{where}: {name} is listed twice")
    return {name: arms[name] for name in listed}


def override(blocks: dict[str, dict[str, Any]], key: str, value: Any, *, where: str) -> None:
    """Write one dotted key into its block."""
    block, _, name = key.partition(".")
    if block not in blocks or not name or "." in name:
        raise SpecError(
            f"{where}: unknown key {key!r}; expected <block>.<key> with block one of "
            f"{', '.join(blocks)}"
            " (in a scale also: seeds, arms, at, sweep.<block>.<key>)"
        )
    blocks[block][name] = value


def check_listed(envelope: Envelope, *, where: str) -> None:
    """Refuse an arm that no scale lists: it would be ignored."""
    lists = [scale.get("arms", list(envelope.arms)) for scale in envelope.scales.values()]
    if unlisted := [name for name in envelope.arms if not any(name in listed for listed in lists)]:
        raise SpecError(
            f"{where}: arms.{unlisted[0]}: no scale lists it; list it under scales, or leave it out"
        )


def check_swept(scaled: Scaled, *, where: str) -> None:
    """Refuse what an arm says of a setting that is swept: it would be ignored."""
    for name, key in [(name, key) for name, own in scaled.arms.items() for key in own]:
        if swept := {key, TWINS.get(key, key)} & set(scaled.sweep):
            raise SpecError(
                f"{where}: arms.{name}: {key} has no effect, for {min(swept)} is swept; "
                "leave one out"
            )


def _check_sweep(sweep: dict[str, Any], *, where: str) -> None:
    """Refuse a sweep that is none."""
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise SpecError(
                f"{where}: sweep.{key}: expected a list of values to try, found {shown(values)}"
            )
        if len(set(map(str, values))) < len(values):
            raise SpecError(f"{where}: sweep.{key}: a value is listed twice in {shown(values)}")


def check_size(scaled: Scaled, *, where: str) -> None:
    """Refuse more runs than can be planned."""
    n_runs = len(scaled.arms) * len(scaled.points) * scaled.seeds
    if n_runs > MOST_RUNS:
        raise SpecError(
            f"{where}: {n_runs} runs (arms x sweep points x seeds); at most {MOST_RUNS} of one "
            "experiment"
        )
