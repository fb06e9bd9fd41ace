"""What a mutant comes to: refused in one message, or planned."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.plan import dag
from slowpoints.plan.stacks import stacks
from slowpoints.spec.envelope import SCALES
from slowpoints.spec.experiment import Experiment, load
from slowpoints.spec.reading import parsed
from slowpoints.spec.strict import SpecError
from tests.fuzz.mutants import Mutant, Tree, dumped

Flat = dict[tuple[str, ...], Any]
MOST_CHARACTERS = 1500  # of a message: the longest lists all known names


class Answer(NamedTuple):
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


def judge(mutant: Mutant, tree: Tree, *, folder: Path) -> Answer:
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
        return Answer(str(error), _bad_message(str(error), mutant))
    except (
        Exception
    ) as error:  # whatever else comes out of planning is a hole, and is listed as one
        return Answer(
            f"{type(error).__name__}: {error}", f"a traceback: {type(error).__name__}: {error}"
        )
    return Answer("", _misread(mutant, tree, found), found)


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
    """Return what is wrong with an accepted mutant: it means nothing, or the same as before."""
    if mutant.same is False:
        return "accepted, though it cannot mean anything"
    is_same = mutant.same or dumped(parsed(mutant.content.decode("utf-8-sig"))) == dumped(tree)
    for scale, own in found.items() if is_same else ():
        before, after = _flat_before(mutant.file, scale), flat(own)
        if before != after:
            place = next(key for key in before | after if before.get(key) != after.get(key))
            return f"planned differently: {place}"
    return ""
