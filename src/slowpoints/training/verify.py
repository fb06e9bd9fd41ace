"""Train some networks of a finished run again, each alone, and compare weights, curve and metrics
with what is on disk.

A record says everything that its training depended on: settings, seeds, code, environment,
versions, machine. Where all of that is the same here, the bits must be. Where something differs, or
on a GPU, where a run alone equals its stack to rounding only, the start of training must agree to a
tolerance; later on, rounding grows until two trainings are equal in distribution only, so the end
is shown and not judged.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slowpoints import paths
from slowpoints.engine import engine_of
from slowpoints.errors import SlowpointsError
from slowpoints.provenance.record import Facts, Record, record_from
from slowpoints.provenance.records import read_arrays, read_lines
from slowpoints.spec.digests import env
from slowpoints.spec.run import BLOCKS
from slowpoints.spec.strict import SpecError
from slowpoints.training.job import Made, device_named, facts_here, made, start_from, train_code
from slowpoints.training.trainer import Trainer

# of the loss up to the first evaluation: rounding is far below at first, and grows; see
# docs/benchmarks/determinism.md
AT_FIRST = 1e-2
RECORDED = (
    "outcome",
    "steps",
    "steps_to_solve",
    "solved",
    "metrics",
    "curve",
    "units",
    "n_parameters",
)


class VerifyError(SlowpointsError):
    """Networks that are not trained again as they are on disk."""


class Compared(NamedTuple):
    """One network, trained again."""

    run: str
    other: str  # what about the numerics is not the same here; '' if nothing is
    verdict: str  # equal, within tolerance, differs
    first: float  # difference of the loss up to the first evaluation, as a share
    weights: float  # difference of the final weights, root mean square, as a share


def verify(
    scale: str, *, sample: int, seed: int, torch_build: str, data_dir: Path | None
) -> Iterator[Compared]:
    """Yield what became of a random sample of the networks on disk, one after the other."""
    files = paths.all_runs(scale)
    known = [(path, row) for path in files for row in range(len(read_lines(path)))]
    if not known:
        raise VerifyError(
            f"{paths.results(scale)}: no records; make them with: snakemake --cores 2 --config "
            f"scale={scale} train"
        )
    chosen = random.Random(seed).sample(known, min(sample, len(known)))
    for path, row in sorted(chosen):
        yield compare(path, row, torch_build=torch_build, data_dir=data_dir)


def compare(path: Path, row: int, *, torch_build: str, data_dir: Path | None) -> Compared:
    """Return how the network in one row of a record file compares with itself trained again."""
    content = read_lines(path)[row]
    try:
        record = record_from(content)
    except SpecError as error:
        return Compared(
            content["id"], f"its settings: {error}", "too old", float("nan"), float("nan")
        )
    kept = read_arrays(path.with_name(record.weights["file"]), seal=record.weights["sha256"])
    again, here = trained(record, path, torch_build=torch_build, data_dir=data_dir)
    (network,) = again.networks
    before = {name: array[row] for name, array in kept.items()}
    after = {name: array[0] for name, array in again.arrays.items()}
    is_equal = all(getattr(network, name) == getattr(record, name) for name in RECORDED)
    same_bits = same_arrays(before, after) and is_equal
    first = first_difference(record.curve, network.curve)
    kept_as, now = described(record.facts), described(here)
    other = "; ".join(
        f"{key} {value}, here {now[key]}" for key, value in kept_as.items() if value != now[key]
    )
    other += "".join(
        f"; {key} was not a setting then" for key in sorted(unknown_then(record, content))
    )
    verdict = _verdict(same_bits, other, first, device=record.facts.device)
    return Compared(record.id, other, verdict, first, distance(before, after))


def _verdict(same_bits: bool, other: str, first: float, *, device: str) -> str:
    """Return what to call it; on a GPU a run alone may round otherwise than in its stack."""
    if same_bits:
        return "equal"
    may_round = bool(other) or not device.startswith("cpu")
    return "within tolerance" if may_round and first <= AT_FIRST else "differs"


def trained(
    record: Record, path: Path, *, torch_build: str, data_dir: Path | None
) -> tuple[Made, Facts]:
    """Return a recorded network, trained again alone, and what its numbers depend on here.

    A trial that was stopped at a rung is stopped there again: which trials go on is for its study
    to say.
    """
    run, kind = record.run, "cpu" if record.facts.device.startswith("cpu") else "cuda"
    device = device_named(kind, matmul=record.facts.matmul)
    start = None
    if run.train.start:
        scale, origin = paths.place_of(path).scale, run.train.start
        points = Path(paths.table(scale, origin, "slow_points", ".safetensors"))
        start = start_from([run], paths.all_runs(scale, experiment=origin), points)
    trainer = Trainer([run], device=device, data_dir=data_dir, start=start)
    while not trainer.is_done:
        for _ in range(trainer.train.eval_every):
            trainer.advance()
        trainer.evaluate()
        if record.outcome == "stopped" and trainer.outcomes[0].steps == record.steps:
            trainer.stop(0)
    module = "slowpoints.tuning.study" if run.suggested is not None else "slowpoints.training.job"
    own = {"code": train_code(run, trainer=module), "env": env("train", torch=torch_build)}
    digests = record.facts.digests | own
    return made(trainer), facts_here(device, engine=engine_of(trainer.net, device), digests=digests)


def unknown_then(record: Record, content: dict[str, Any]) -> set[str]:
    """Return the settings that the file of a record lacks.

    They have their defaults, which is how it was.
    """
    own = record.run.blocks.as_json()
    return {f"{name}.{key}" for name in BLOCKS for key in own[name].keys() - content[name].keys()}


def described(facts: Facts) -> dict[str, str]:
    """Return what the numbers may depend on besides settings, flat."""
    digests = {name: facts.digests[name] for name in ("code", "env")}
    own = {
        name: str(getattr(facts, name))
        for name in ("engine", "device", "matmul", "threads", "dtype")
    }
    return digests | facts.versions | own


def same_arrays(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Return whether two sets of arrays are the same to the bit."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def first_difference(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """Return the difference of the loss up to the first evaluation, as a share.

    Of runs that diverged before it, none.
    """
    if not one or not other:
        return 0.0 if bool(one) == bool(other) else float("inf")
    return abs(one["loss"][0] / other["loss"][0] - 1)


def distance(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Return the root mean square of the difference, over that of the values."""
    if {name: array.shape for name, array in one.items()} != {
        name: array.shape for name, array in other.items()
    }:
        return float("inf")
    a, b = (
        np.concatenate([own[name].ravel() for name in sorted(own)]).astype(float)
        for own in (one, other)
    )
    return float(np.sqrt(np.nansum((a - b) ** 2) / np.nansum(a**2)))


def line(own: Compared) -> str:
    """Return what was found of one network, for people."""
    facts = (
        f"loss up to the first evaluation {own.first:.1e}, final weights {own.weights:.1e} apart"
    )
    found = "to the bit" if own.verdict == "equal" else facts
    return f"{own.verdict:16}  {own.run}  {found}; not the same here: {own.other or 'nothing'}"


def sum_up(found: list[Compared]) -> None:
    """Say how it went; networks that differ are an error."""
    n = {
        word: sum(own.verdict == word for own in found)
        for word in ("equal", "within tolerance", "differs", "too old")
    }
    if n["differs"] or n["too old"]:
        raise VerifyError(
            f"{n['differs']} of {len(found)} networks differ, {n['too old']} have settings "
            "that are no longer known; "
            "docs/benchmarks/determinism.md says what may differ"
        )
    print(
        f"{n['equal']} of {len(found)} networks equal to the bit, {n['within tolerance']} "
        "within tolerance"
    )
