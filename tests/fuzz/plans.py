"""What a mutant comes to: refused in one message, or planned, and then different exactly where the
mutation says.
"""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.plan import dag
from slowpoints.plan.stacks import stacks
from slowpoints.spec.experiment import SCALES, TWINS, Experiment, load
from slowpoints.spec.reading import parsed
from slowpoints.spec.run import BLOCKS
from slowpoints.spec.strict import SpecError
from tests.fuzz.mutants import Mutant, Tree, dumped, value_at

Flat = dict[tuple[str, ...], Any]
MOST_CHARACTERS = 1500  # of a message: the longest lists all known names


class Fate(NamedTuple):
    """What became of a mutant.    hole: what is wrong with that, '' if nothing"""

    message: str  # '': accepted
    hole: str = ""
    found: dict[str, Experiment] | None = None  # by scale


def flat(own: Experiment) -> Flat:
    """Return everything an experiment means at one scale, by place."""
    found: Flat = {("paper",): own.paper, ("question",): own.question}
    for run in own.runs:
        for block, values in run.blocks.as_json().items():
            found |= {("run", run.id, run.arm, block, key): value for key, value in values.items()}
        study = own.studies[run.id].as_json() if run.id in own.studies else {}
        found |= {("study", run.id, run.arm, key): value for key, value in study.items()}
    found |= {
        ("analysis", name, key): v
        for name, block in own.analyses.items()
        for key, v in block.items()
    }
    found |= {("analysis", name): True for name in own.analyses}
    found |= {("claim", claim.id): claim for claim in own.claims}
    return found | {
        ("stack", stack.name): tuple(run.id for run in stack.runs) for stack in stacks(own)
    }


def judge(mutant: Mutant, tree: Tree, *, folder: Path) -> Fate:
    """Return what became of a mutant of an experiment file.    tree: the file as it was"""
    path = folder / f"{mutant.file}.yaml"
    path.write_bytes(mutant.content)
    found: dict[str, Experiment] = {}
    try:
        for scale in scales_of(mutant):
            found[scale] = load(path, scale=scale)
            everything = dag.experiments(scale) | {mutant.file: found[scale]}
            for name in (mutant.file, *_starting_from(mutant.file, scale)):
                dag.check_one(everything[name], everything)
            dag.check_tables(everything)
    except SpecError as error:
        return Fate(str(error), _bad_message(str(error), mutant))
    except (
        Exception
    ) as error:  # whatever else comes out of planning is a hole, and is listed as one
        return Fate(
            f"{type(error).__name__}: {error}", f"a traceback: {type(error).__name__}: {error}"
        )
    return Fate("", _misread(mutant, tree, found), found)


def scales_of(mutant: Mutant) -> tuple[str, ...]:
    """Return the scales at which a mutant is planned: planning one checks the settings of all."""
    if mutant.path[:1] == ("scales",) and len(mutant.path) > 1 and mutant.path[1] in SCALES:
        return ("smoke", str(mutant.path[1])) if mutant.path[1] != "smoke" else ("smoke",)
    return ("smoke",) if len(mutant.content) % 5 else ("laptop",)


@cache
def _starting_from(name: str, scale: str) -> tuple[str, ...]:
    """Return the experiments whose networks start from those of another."""
    known = dag.experiments(scale).values()
    return tuple(own.name for own in known if any(run.train.start == name for run in own.runs))


@cache
def _flat_before(name: str, scale: str) -> Flat:
    return flat(dag.experiments(scale)[name])


def _bad_message(message: str, mutant: Mutant) -> str:
    if mutant.same:
        return f"refused though it means what it did: {message}"
    if mutant.file not in message:
        return f"the message does not name the file: {message}"
    if len(message) > MOST_CHARACTERS or "\n" in message.strip():
        return f"the message has {len(message)} characters in {message.count(chr(10)) + 1} lines"
    return ""


def _misread(mutant: Mutant, tree: Tree, found: dict[str, Experiment]) -> str:
    """Return how the plan of an accepted mutant differs from what the mutation says."""
    if mutant.same is False:
        return "accepted, though it cannot mean anything"
    changed = {
        scale: _changes(_flat_before(mutant.file, scale), flat(own)) for scale, own in found.items()
    }
    if mutant.same or dumped(parsed(mutant.content.decode("utf-8-sig"))) == dumped(tree):
        return f"planned differently: {_any(changed)[0]}" if _any(changed) else ""
    if not mutant.path:
        return ""
    for scale, changes in changed.items():
        for place in changes:
            if not _may_change(mutant, place, scale):
                return f"{'.'.join(map(str, mutant.path))} at {scale} changed {place}"
    if not _any(changed) and not _is_idle(mutant, tree, list(found)):
        return (
            f"{'.'.join(map(str, mutant.path))} = {mutant.new!r} changed nothing: ignored "
            "in silence"
        )
    return next(_wrong_values(mutant, changed), "")


def _changes(before: Flat, after: Flat) -> Flat:
    """Return what differs, with the new value; None where something is gone."""
    places = [place for place in before | after if not _equal(before.get(place), after.get(place))]
    return {place: after.get(place) for place in places}


def _any(changed: dict[str, Flat]) -> list[Any]:
    return [place for changes in changed.values() for place in changes]


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _key(mutant: Mutant) -> tuple[str, ...]:
    """Return which setting a place in a file is about: (block, key), where it is about one."""
    path = [str(part) for part in mutant.path]
    if path[0] in (*BLOCKS, "tune"):
        return tuple(path[:2])
    rest = {"scales": path[2:3], "arms": path[2:3], "join": path[2:3], "sweep": path[1:2]}.get(
        path[0], []
    )
    return tuple(rest[0].removeprefix("sweep.").split(".")) if rest else ()


def _may_change(mutant: Mutant, place: tuple[str, ...], scale: str) -> bool:
    """Return whether this mutation may change this place of the plan."""
    section, key = str(mutant.path[0]), _key(mutant)
    if mutant.kind == "misplaced":  # it may now stand anywhere
        return True
    if section == "scales" and len(mutant.path) > 1 and mutant.path[1] != scale:
        return False
    kind = place[0]
    own = {
        "paper": True,
        "question": kind == "question",
        "claims": kind == "claim",
        "tune": kind in ("study", "stack"),
        "analyses": kind == "analysis",
        "seeds_per_stack": kind == "stack",
        **dict.fromkeys(
            (*BLOCKS, "seeds", "sweep", "arms", "join"), kind in ("run", "stack", "study")
        ),
        "scales": kind in ("run", "stack", "study", "analysis"),
    }.get(section, False)
    if mutant.kind in ("misplaced", "extra", "misspelt") and len(mutant.path) < 2:
        return True
    if (
        section == "arms"
        and len(mutant.path) > 1
        and kind in ("run", "study")
        and mutant.kind != "misplaced"
    ):
        own = own and (place[2] == mutant.path[1] or mutant.kind == "misspelt")
    if (
        kind == "run"
        and len(key) == 2
        and section in (*BLOCKS, "arms")
        and mutant.kind != "misplaced"
    ):
        whole = key in (("task", "name"), ("net", "cell"))
        units = (
            key[0] == "net" and key[1] in ("units", "budget") and place[4] in ("units", "budget")
        )
        own = (
            own
            and place[3] == key[0]
            and (whole or units or place[4] == key[1] or mutant.kind == "misspelt")
        )
    return own or mutant.kind == "misplaced"


def _is_idle(mutant: Mutant, tree: Tree, scales: list[str]) -> bool:
    """Return whether the setting is overridden wherever it is used, or is as it would be
    without.
    """
    if mutant.path[0] == "arms" and len(mutant.path) > 1:
        lists = [tree["scales"][scale].get("arms", [mutant.path[1]]) for scale in scales]
        if not any(mutant.path[1] in listed for listed in lists):
            return True
    if mutant.kind in ("missing", "misplaced", "extra", "another value", "misspelt", "list"):
        return mutant.kind != "extra" or not isinstance(mutant.new, dict | list | str)
    if not isinstance(mutant.new, bool) and _same_number(
        value_at(tree, mutant.path), mutant.new
    ):  # 1 is 1.0
        return True
    key = ".".join(_key(mutant))
    keys = {key, TWINS.get(key, key)}
    every = [tree["scales"].get(scale, {}) for scale in scales]
    over = [any(own in scale or f"sweep.{own}" in scale for own in keys) for scale in every]
    arms = [keys & set(tree["arms"][name]) for name in tree["arms"]]
    sections = ("arms", "join", "sweep", "claims", "analyses", "seeds_per_stack")
    return (
        all(over)
        or bool(keys & set(tree.get("sweep", {})))
        or all(arms)
        or mutant.path[0]
        in ("seeds" if all("seeds" in scale for scale in every) else "", "scales", *sections)
    )


def _wrong_values(mutant: Mutant, changed: dict[str, Flat]) -> Iterator[str]:
    """Yield what an accepted number became, if it is another."""
    key = _key(mutant)
    if (
        mutant.kind not in ("out of range", "mistyped", "another value")
        or len(key) != 2
        or "sweep" in ".".join(map(str, mutant.path))
    ):
        return
    for changes in changed.values():
        for place, value in changes.items():
            if (
                place[0] == "run"
                and place[3:] == key
                and len(mutant.path) == {"scales": 3, "arms": 3}.get(str(mutant.path[0]), 2)
                and not _same_number(value, mutant.new)
            ):
                yield f"{'.'.join(key)} = {mutant.new!r} became {value!r}"


def _same_number(value: Any, given: Any) -> bool:
    if isinstance(value, float) and isinstance(given, int | float):
        return math.isclose(value, given, rel_tol=0)
    return bool(value == given) or (isinstance(value, tuple) and list(value) == given)
