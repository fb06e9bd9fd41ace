"""One experiment file, read strictly, and the runs it means at one scale."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.spec.canonical import canonical
from slowpoints.spec.claims import Claim, parse_claims
from slowpoints.spec.envelope import (
    SCALES,
    TWINS,
    Envelope,
    Scaled,
    check_listed,
    check_size,
    check_swept,
    joining,
    override,
    scaled_at,
)
from slowpoints.spec.parts import attribute, names, settings_class
from slowpoints.spec.points import Point, next_smaller
from slowpoints.spec.reading import read_yaml
from slowpoints.spec.resolve import resolve
from slowpoints.spec.run import BLOCKS, Blocks, Run
from slowpoints.spec.strict import SpecError, build, shown, unknown
from slowpoints.spec.tuning import Study, TuneSettings, space, study


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
    scaled = scaled_at(envelope, envelope.scales[scale], own, where=f"{where}: scales.{scale}")
    given = {name: own[name] for name in BLOCKS}
    resolve(**given, where=where)
    check_size(scaled, where=where)
    check_listed(envelope, where=where)
    check_swept(scaled, where=where)
    for arm, block in envelope.join.items():  # with the cell of the base: none may have joined yet
        own_cell = {
            k: v.replace("{cell}", given["net"]["cell"]) if isinstance(v, str) else v
            for k, v in block.items()
        }
        _resolved(given, own_cell, {}, where=f"{where}: join.{arm}")
    runs = _runs(path.stem, given, scaled, where=where)
    studies = _studies(own["tune"], runs, scaled, where=where) if own["tune"] else {}
    resolved = _analyses(analyses, where=f"{where}: analyses")
    claims = parse_claims(envelope.claims, where=f"{where}: claims", fixed=envelope.fixed)
    _check_claims(
        claims,
        arms=set(envelope.arms | joining(envelope, where=where)),
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


def _runs(name: str, given: dict[str, Any], scaled: Scaled, *, where: str) -> list[Run]:
    """Return arms x points x seeds, as far as a point has them."""
    found = []
    for arm in scaled.arms:
        for point in scaled.points:
            arms, seeds = scaled.runs_of(point, where=f"{where}: at")
            if arm in arms:
                blocks = _blocks_at(given, scaled, arm, point, where=where)
                found += [Run(name, arm, point.values, seed, *blocks) for seed in range(seeds)]
    return found


def _blocks_at(
    given: dict[str, Any], scaled: Scaled, arm: str, point: Point, *, where: str
) -> Blocks:
    """Return the settings of one arm at one point.

    Base, then scale, then what the point sets beside, then arm, then sweep.
    """
    own = {k: v for k, v in point.overrides.items() if k.partition(".")[0] in BLOCKS}
    return _resolved(given, own | scaled.arms[arm], point.values, where=f"{where}: arms.{arm}")


def _studies(block: Any, runs: list[Run], scaled: Scaled, *, where: str) -> dict[str, Study]:
    """Return by run id how its settings are tuned; what an arm or the sweep sets is not."""
    if not isinstance(block, dict):
        raise SpecError(f"{where}: tune: expected a mapping, found {shown(block)}")
    tunes = {}
    for point in scaled.points:
        tune = _tune_at(point, block, where=where)
        tunes[canonical(point.values)] = tune, space(tune, where=f"{where}: tune")
    found = {}
    for run in runs:
        tune, whole = tunes[canonical(run.sweep)]
        own = study(
            tune,
            whole,
            run.blocks,
            fixed={*scaled.arms[run.arm], *run.sweep},
            where=f"{where}: tune, for arms.{run.arm}",
        )
        follows = _followed(run, tune.follow, runs, scaled, where=where) if tune.follow else ""
        found[run.id] = replace(own, follows=follows)
    return found


def _tune_at(point: Point, block: dict[str, Any], *, where: str) -> TuneSettings:
    own = {
        key.removeprefix("tune."): value
        for key, value in point.overrides.items()
        if key.startswith("tune.")
    }
    return build(TuneSettings, block | own, where=f"{where}: tune")


def _followed(run: Run, key: str, runs: list[Run], scaled: Scaled, *, where: str) -> str:
    """Return the run whose study the study of a run follows: its like at the next smaller value."""
    if key not in scaled.sweep:
        raise unknown(key, scaled.sweep, what="swept key", where=f"{where}: tune.follow")
    ids = {(other.arm, canonical(other.sweep), other.seed): other.id for other in runs}
    before = next_smaller(run.sweep, key, scaled.sweep)
    while before and (run.arm, canonical(before), run.seed) not in ids:
        before = next_smaller(before, key, scaled.sweep)
    return ids.get((run.arm, canonical(before), run.seed), "")


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
        override(own, key, value, where=where)
    return resolve(own["task"], own["net"], own["train"], where=where)


def _check_other(
    envelope: Envelope, scale: str, blocks: dict[str, dict[str, Any]], *, where: str
) -> None:
    """Refuse settings of another scale that no run there could have.

    They are seen before that scale is asked for.
    """
    own = {name: dict(block) for name, block in blocks.items()}
    scaled = scaled_at(envelope, envelope.scales[scale], own, where=f"{where}: scales.{scale}")
    check_size(scaled, where=f"{where}: scales.{scale}")
    check_swept(scaled, where=f"{where}: scales.{scale}")
    if own["tune"]:
        for point in scaled.points:
            _tune_at(point, own["tune"], where=f"{where}: scales.{scale}")
    for name in set(own) - {*BLOCKS, "tune"}:
        build(
            settings_class("analyses", name),
            own[name],
            where=f"{where}: scales.{scale}: analyses.{name}",
        )
    for place, point in enumerate(scaled.points):  # all arms at one point, one at all others
        arms, _ = scaled.runs_of(point, where=f"{where}: scales.{scale}: at")
        for arm in scaled.arms if not place else arms[:1] if point.overrides else ():
            _blocks_at(own, scaled, arm, point, where=f"{where}: scales.{scale}")


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
