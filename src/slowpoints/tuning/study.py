"""One tuning job: a study in, the records and weights of its trials and reruns out.

Ask, train, tell, until all trials are told; then the best setting is trained again, on fresh seeds
and data. What is known so far is kept whole after every stack of trials, and a stack in training
has its own checkpoint: a job killed at any moment goes on, to the same bytes.
"""

import gc
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from slowpoints.engine import engine_of
from slowpoints.provenance import environment
from slowpoints.provenance.record import OfStudy, Trained, trained_from
from slowpoints.provenance.records import read_records
from slowpoints.spec.canonical import canonical, shape
from slowpoints.spec.run import BLOCKS, Run
from slowpoints.spec.stack import Stack
from slowpoints.spec.tuning import Study, in_space, with_values
from slowpoints.training import checkpoint as checkpoints
from slowpoints.training.job import Made, Outputs, digests_of, facts_here, made, write
from slowpoints.training.memory import Room, room_at, trained
from slowpoints.training.stack import network
from slowpoints.training.trainer import Trainer
from slowpoints.tuning.sampler import Dimensions, Trial, dimensions, settings, suggest


class Bench(NamedTuple):
    """Where and with what the stacks of a study are trained."""

    checkpoint: Path
    key: str
    device: torch.device
    data_dir: Path | None
    room: Room


def run(
    stack: Stack,
    *,
    out: Outputs,
    checkpoint: Path,
    device: torch.device,
    data_dir: Path | None,
    torch_build: str,
    attempt: int = 1,
    before: Path | None = None,
) -> None:
    """Run the study of a stack and write its results.

    before: records of the study that it follows

    What was kept for a restart is removed last.
    """
    begun, room = environment.Begun.now(), room_at(attempt)
    base, study = stack.runs[0], stack.study
    assert study is not None, f"stack {stack.name} has no study"
    net = network(base.task, base.net)
    gc.freeze()
    digests = digests_of(stack, trainer="slowpoints.tuning.study", torch_build=torch_build)
    facts = facts_here(device, engine=engine_of(net, device), digests=digests)
    bench = Bench(
        checkpoint.with_stem(f"{checkpoint.stem}-stack"),
        json.dumps(vars(facts)),
        device,
        data_dir,
        room,
    )
    dims, found = dimensions(study.space, net.cell), _kept(checkpoint, key=bench.key)
    near = None if before is None else _best_point(before, study, dims)
    while len(found.networks) < study.trials + study.reruns:
        asked = _next(base, study, dims, found.networks, near=near)
        found = _extended(found, asked, study=study, bench=bench)
        state = {"records": [own.as_json() for own in found.networks]}
        checkpoints.save(checkpoint, checkpoints.Checkpoint(found.arrays, state), key=bench.key)
    write(
        stack,
        found,
        out=out,
        facts=facts,
        provenance=environment.now(begun) | room.told(study.together),
    )
    checkpoint.unlink(missing_ok=True)


def _kept(path: Path, *, key: str) -> Made:
    """Return what a job that was killed had finished."""
    saved, _ = checkpoints.restore(path, key=key)
    if saved is None:
        return Made([], {})
    return Made([trained_from(content) for content in saved.state["records"]], saved.arrays)


class Suggested(NamedTuple):
    """A run that a study trains, and the point of the tuner's space that it is."""

    run: Run
    point: dict[str, Any]


def _best_point(before: Path, study: Study, dims: Dimensions) -> dict[str, Any]:
    """Return the best trial of another study as a point of this one's space."""
    best = best_of(read_records(before), study)
    suggested = best.run.suggested or {}
    return {key: in_space(kind, suggested[key]) for key, (kind, _) in dims.items()}


def _next(
    base: Run, study: Study, dims: Dimensions, known: list[Trained], *, near: dict[str, Any] | None
) -> list[Suggested]:
    """Return the next stack of runs: trials while there are any left, then the reruns of
    the best.
    """
    n_known = len(known)
    if n_known >= study.trials:
        best = best_of(known, study)
        return [_numbered(base, point_of(best), dims, "rerun", i) for i in range(study.reruns)]
    points = suggest(
        dims,
        [Trial(point_of(own), extrapolated(own, known, study)) for own in known],
        study.n_next(n_known),
        name=base.id,
        goal=study.goal,
        sampler=study.sampler,
        first=study.first,
        near=near,
    )
    return [_numbered(base, point, dims, "trial", n_known + i) for i, point in enumerate(points)]


def point_of(own: Trained) -> dict[str, Any]:
    """Return the point of the tuner's space that a network of a study is."""
    point = own.told.point
    assert point is not None, f"{own.id}: a study keeps the point of every network"
    return point


def objective(own: Trained, study: Study) -> float | None:
    """Return the validation metric at the end of a trial, also of one that was stopped.

    None if it diverged.
    """
    value = None if own.is_lost else own.told.valid[study.metric]
    return None if value is None else float(value)


def extrapolated(own: Trained, known: list[Trained], study: Study) -> float | None:
    """Return what the model is told of a trial. Of one that was stopped, what it might have come
    to.

    It is taken to gain as much from its rung to the end as those trials did, on average, that were
    not stopped.
    """
    value = objective(own, study)
    if own.outcome != "stopped" or value is None:
        return value
    gains = []
    for other in known:
        if other.outcome in ("ok", "budget"):
            curve = other.curve[study.metric]
            gains.append(curve[-1] - curve[other.curve["step"].index(own.steps)])
    return value + (sum(gains) / len(gains) if gains else 0.0)


def best_of(known: Iterable[Trained], study: Study) -> Trained:
    """Return the best trial by validation, of equals the first.

    One that was stopped only if all others diverged.
    """
    sign = -1 if study.goal == "highest" else 1

    def rank(own: Trained) -> tuple[bool, bool, float]:
        value = objective(own, study)
        return value is None, own.outcome == "stopped", 0.0 if value is None else sign * value

    return min((own for own in known if own.run.sweep["phase"] == "trial"), key=rank)


def _numbered(base: Run, point: dict[str, Any], dims: Dimensions, phase: str, n: int) -> Suggested:
    """Return one trial or rerun as a run with every setting resolved.

    The seed of the study becomes its number; trials and reruns count anew.
    """
    values = settings(dims, point)
    blocks = with_values(base.blocks, values, where=base.id)
    sweep = base.sweep | {"study": base.seed, "phase": phase}
    return Suggested(
        replace(base, sweep=sweep, seed=n, suggested=values, **blocks._asdict()), point
    )


def _extended(found: Made, asked: list[Suggested], *, study: Study, bench: Bench) -> Made:
    """Return what was made before and these runs, trained; runs of one shape together.

    Trials are compared, and stopped, among those of their shape.
    """
    groups: dict[str, list[int]] = {}
    for i, own in enumerate(asked):
        groups.setdefault(canonical(shape(own.run.blocks, *BLOCKS)), []).append(i)
    halving = study if study.rungs and asked[0].run.sweep["phase"] == "trial" else None
    parts = []
    for rows in groups.values():
        runs = [asked[i].run for i in rows]
        make = partial(
            Trainer, runs, device=bench.device, data_dir=bench.data_dir, start=None, halving=halving
        )
        key = f"{bench.key} {[run.id for run in runs]}"
        parts.append(made(trained(make, bench.room, path=bench.checkpoint, key=key)))
        bench.checkpoint.unlink(missing_ok=True)
    order = np.argsort([i for rows in groups.values() for i in rows])
    networks = [own for part in parts for own in part.networks]
    before = [found.arrays] if found.networks else []
    arrays = {}
    for name in parts[0].arrays:
        new = np.concatenate([part.arrays[name] for part in parts])[order]
        arrays[name] = np.concatenate([*(own[name] for own in before), new])
    told = [_told(networks[i], asked[row].point, study) for row, i in enumerate(order)]
    return Made(found.networks + told, arrays)


def _told(own: Trained, point: dict[str, Any], study: Study) -> Trained:
    """Return a network with what the tuner was told of it."""
    last = {name: values[-1] for name, values in own.curve.items()}
    told = OfStudy(
        valid={name: last.get(name) for name in own.metrics},
        train_loss=last.get("loss"),
        tuned={"metric": study.metric, "goal": study.goal, "sampler": study.sampler},
        point=point,
    )
    return replace(own, study=told)
