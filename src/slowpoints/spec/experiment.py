"""One experiment file, read strictly, and the runs it means at one scale."""

import itertools
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.spec.claims import Claim, Fixed, parse_claims
from slowpoints.spec.joins import Paper, joined
from slowpoints.spec.parts import attribute, names, settings_class
from slowpoints.spec.reading import read_yaml
from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import BLOCKS, Blocks, Run
from slowpoints.spec.strict import SpecError, build, shown, unknown
from slowpoints.spec.tuning import Study, TuneSettings, space, study

SCALES = ("smoke", "laptop", "paper")
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


class Experiment(NamedTuple):
    """An experiment at one scale: its runs, analyses (name -> settings) and claims."""

    name: str
    scale: str
    paper: str
    question: str
    runs: list[Run]
    analyses: dict[str, dict[str, Any]]
    claims: list[Claim]
    seeds_per_stack: int
    studies: dict[str, Study]  # by run: how its settings are tuned; empty where they are not

    @property
    def conditions(self) -> list[Run]:
        """Return the first run of every arm and sweep point.

        The other seeds have the same settings.
        """
        return [run for run in self.runs if run.seed == 0]


def load(path: Path, *, scale: str) -> Experiment:
    """Return the experiment in `path` at `scale`.

    Every mistake is an error that names the file and the key.
    """
    where = str(path)
    envelope = build(Envelope, read_yaml(path), where=where)
    if scale not in SCALES:
        raise unknown(scale, SCALES, what="scale", where="config")
    for name in envelope.scales:
        if name not in SCALES:
            raise unknown(name, SCALES, what="scale", where=f"{where}: scales")
    if scale not in envelope.scales:
        raise SpecError(
            f"{where}: scales: no settings for {scale!r}; write '{scale}: {{}}' if the base "
            "settings hold"
        )
    analyses = _listed(envelope.analyses, where=f"{where}: analyses")
    own = {**{name: dict(getattr(envelope, name)) for name in (*BLOCKS, "tune")}, **analyses}
    for other in envelope.scales:
        if other != scale:
            _check_other(envelope, other, own, where=where)
    sweep, arms, seeds = _scaled(
        envelope, envelope.scales[scale], own, where=f"{where}: scales.{scale}"
    )
    given = {name: own[name] for name in BLOCKS}
    resolve(**given, where=where)
    _check_size(sweep, arms, seeds, where=where)
    _check_listed(envelope, where=where)
    _check_swept(arms, sweep, where=where)
    for arm, block in envelope.join.items():  # with the cell of the base: none may have joined yet
        own_cell = {
            k: v.replace("{cell}", given["net"]["cell"]) if isinstance(v, str) else v
            for k, v in block.items()
        }
        _resolved(given, own_cell, {}, where=f"{where}: join.{arm}")
    runs = [
        Run(path.stem, arm, point, seed, *blocks)
        for arm, overrides in arms.items()
        for point in _points(sweep)
        for blocks in [_resolved(given, overrides, point, where=f"{where}: arms.{arm}")]
        for seed in range(seeds)
    ]
    studies = _studies(own["tune"], runs, arms, where=where) if own["tune"] else {}
    resolved = _analyses(analyses, where=f"{where}: analyses")
    claims = parse_claims(envelope.claims, where=f"{where}: claims", fixed=envelope.fixed)
    _check_claims(
        claims,
        arms=set(envelope.arms | _joining(envelope, where=where)),
        analyses=set(resolved),
        where=where,
    )
    return Experiment(
        path.stem,
        scale,
        envelope.paper,
        envelope.question,
        runs,
        resolved,
        claims,
        envelope.seeds_per_stack,
        studies,
    )


def _studies(block: Any, runs: list[Run], arms: dict[str, Any], *, where: str) -> dict[str, Study]:
    """Return by run id how its settings are tuned; what an arm or the sweep sets is not."""
    if not isinstance(block, dict):
        raise SpecError(f"{where}: tune: expected a mapping, found {shown(block)}")
    tune = build(TuneSettings, block, where=f"{where}: tune")
    whole = space(tune, where=f"{where}: tune")
    return {
        run.id: study(
            tune, whole, run.blocks, fixed={*arms[run.arm], *run.sweep},
            where=f"{where}: tune, for arms.{run.arm}",
        )
        for run in runs
    }  # fmt: skip


def _scaled(
    envelope: Envelope, scale: Any, blocks: dict[str, dict[str, Any]], *, where: str
) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Return sweep, arms and seeds of one scale; its other keys are written into `blocks`."""
    if not isinstance(scale, dict):
        raise SpecError(f"{where}: expected a mapping, found {shown(scale)}")
    sweep, seeds = dict(envelope.sweep), envelope.seeds
    arms = envelope.arms | _joining(envelope, where=where)
    for key, value in scale.items():
        if key == "seeds":
            seeds = value
        elif key == "arms":
            arms = _listed_arms(value, arms, where=f"{where}.arms") | _joining(
                envelope, where=where
            )
        elif key.startswith("sweep."):
            sweep[key.removeprefix("sweep.")] = value
        else:
            _override(blocks, key, value, where=where)
    if not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1:
        raise SpecError(f"{where}: seeds: expected a whole number from 1, found {shown(seeds)}")
    for name, overrides in arms.items():
        if not ARM.fullmatch(name):
            raise SpecError(
                f"{where}: arms.{name}: a name is letters, digits and . _ + -, such as gru-deep"
            )
        if not isinstance(overrides, dict):
            raise SpecError(
                f"{where}: arms.{name}: expected a mapping of overrides such as net.cell: gru"
            )
    return sweep, arms, seeds


def _joining(envelope: Envelope, *, where: str) -> dict[str, Any]:
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


def _override(blocks: dict[str, dict[str, Any]], key: str, value: Any, *, where: str) -> None:
    block, _, name = key.partition(".")
    if block not in blocks or not name or "." in name:
        raise SpecError(
            f"{where}: unknown key {key!r}; expected <block>.<key> with block one of "
            f"{', '.join(blocks)}"
            " (in a scale also: seeds, arms, sweep.<block>.<key>)"
        )
    blocks[block][name] = value


def _resolved(
    blocks: dict[str, Any], arm: dict[str, Any], point: dict[str, Any], *, where: str
) -> Blocks:
    """Return the resolved blocks of one arm and sweep point.

    Base, then scale, then arm, then sweep.
    """
    own = {name: dict(block) for name, block in blocks.items()}
    for key, value in {**arm, **point}.items():
        if key in TWINS:
            own["net"].pop(TWINS[key].removeprefix("net."), None)
        _override(own, key, value, where=where)
    return resolve(own["task"], own["net"], own["train"], where=where)


def _check_other(
    envelope: Envelope, scale: str, blocks: dict[str, dict[str, Any]], *, where: str
) -> None:
    """Refuse settings of another scale that no run there could have.

    They are seen before that scale is asked for.
    """
    own = {name: dict(block) for name, block in blocks.items()}
    sweep, arms, seeds = _scaled(
        envelope, envelope.scales[scale], own, where=f"{where}: scales.{scale}"
    )
    _check_size(sweep, arms, seeds, where=f"{where}: scales.{scale}")
    _check_swept(arms, sweep, where=f"{where}: scales.{scale}")
    if own["tune"]:
        build(TuneSettings, own["tune"], where=f"{where}: scales.{scale}: tune")
    for name in set(own) - {*BLOCKS, "tune"}:
        build(
            settings_class("analyses", name),
            own[name],
            where=f"{where}: scales.{scale}: analyses.{name}",
        )
    first = {key: values[0] for key, values in sweep.items()}
    for arm, overrides in arms.items():
        _resolved(own, overrides, first, where=f"{where}: scales.{scale}: arms.{arm}")


def _check_listed(envelope: Envelope, *, where: str) -> None:
    """Refuse an arm that no scale lists: it would be ignored."""
    lists = [scale.get("arms", list(envelope.arms)) for scale in envelope.scales.values()]
    if unlisted := [name for name in envelope.arms if not any(name in listed for listed in lists)]:
        raise SpecError(
            f"{where}: arms.{unlisted[0]}: no scale lists it; list it under scales, or leave it out"
        )


def _check_swept(arms: dict[str, Any], sweep: dict[str, Any], *, where: str) -> None:
    """Refuse what an arm says of a setting that is swept: it would be ignored."""
    for name, key in [(name, key) for name, overrides in arms.items() for key in overrides]:
        if swept := {key, TWINS.get(key, key)} & set(sweep):
            raise SpecError(
                f"{where}: arms.{name}: {key} has no effect, for {min(swept)} is swept; "
                "leave one out"
            )


def _check_size(sweep: dict[str, Any], arms: dict[str, Any], seeds: int, *, where: str) -> None:
    """Refuse a sweep that is none, and more runs than can be planned."""
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise SpecError(
                f"{where}: sweep.{key}: expected a list of values to try, found {shown(values)}"
            )
        if len(set(map(str, values))) < len(values):
            raise SpecError(f"{where}: sweep.{key}: a value is listed twice in {shown(values)}")
    n_runs = len(arms) * math.prod(map(len, sweep.values())) * seeds
    if n_runs > MOST_RUNS:
        raise SpecError(
            f"{where}: {n_runs} runs (arms x sweep points x seeds); at most {MOST_RUNS} of one "
            "experiment"
        )


def _points(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the points of a sweep."""
    return [dict(zip(sweep, point, strict=True)) for point in itertools.product(*sweep.values())]


def _listed(entries: list[Any], *, where: str) -> dict[str, dict[str, Any]]:
    """Return {analysis: settings given}.

    An entry is a name, or a mapping with `name` and settings.
    """
    known, result = names("analyses"), {}
    for entry in entries:
        block = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(block, dict) or block.get("name") not in known:
            found = block.get("name") if isinstance(block, dict) else block
            raise unknown(str(found), known, what="analysis", where=where)
        if block["name"] in result:
            raise SpecError(f"{where}: {block['name']} is listed twice")
        result[block["name"]] = {k: v for k, v in block.items() if k != "name"}
    return result


def _analyses(given: dict[str, dict[str, Any]], *, where: str) -> dict[str, dict[str, Any]]:
    """Return {analysis: settings}, checked and with defaults filled in."""
    result = {
        name: vars(build(settings_class("analyses", name), block, where=f"{where}.{name}"))
        for name, block in given.items()
    }
    for name in result:
        for need in attribute("analyses", name, "NEEDS", ()):
            if need not in result:
                raise SpecError(f"{where}: {name} reads the table of {need}; list {need} too")
    return result


def _check_claims(claims: list[Claim], *, arms: set[str], analyses: set[str], where: str) -> None:
    for claim in claims:
        if claim.test.table not in analyses:
            raise unknown(
                claim.test.table, analyses, what="table", where=f"{where}: claim {claim.id}"
            )
        for name in claim.test.arms():
            if name not in arms:
                raise unknown(name, arms, what="arm", where=f"{where}: claim {claim.id}")
