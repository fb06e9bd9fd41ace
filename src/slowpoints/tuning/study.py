"""One tuning job: a study in, the records and weights of its trials and reruns out.

Ask, train, tell, until all trials are told; then the best setting is trained again, on fresh seeds and data. What is
known so far is kept whole after every stack of trials, and a stack in training has its own checkpoint: a job killed at
any moment goes on, to the same bytes.
"""

import gc
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from slowpoints.engine import engine_of
from slowpoints.provenance import environment
from slowpoints.spec.canonical import canonical, shape
from slowpoints.spec.tuning import BLOCKS, n_next, with_values
from slowpoints.training import checkpoint as checkpoints
from slowpoints.training.job import Made, Outputs, digests_of, made, versions, write
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
    plan: dict[str, Any],
    *,
    out: Outputs,
    checkpoint: Path,
    device: torch.device,
    data_dir: Path | None,
    torch_build: str,
    attempt: int = 1,
) -> None:
    """Run the study that `plan` describes and write its results; what was kept for a restart is removed last."""
    begun, room = environment.Begun.now(), room_at(attempt)
    base, tune = plan["runs"][0], plan["tune"]
    net = network(base["task"], base["net"])
    gc.freeze()
    digests = digests_of(plan, trainer="slowpoints.tuning.study", torch_build=torch_build)
    facts = {"digests": digests} | versions(device, engine=engine_of(net, device))
    bench = Bench(checkpoint.with_stem(f"{checkpoint.stem}-stack"), json.dumps(facts), device, data_dir, room)
    dims, found = dimensions(tune["space"], net.cell), _kept(checkpoint, key=bench.key)
    while len(found.records) < tune["trials"] + tune["reruns"]:
        found = _extended(found, _next(base, tune, dims, found.records), tune=tune, bench=bench)
        state = {"records": found.records}
        checkpoints.save(checkpoint, checkpoints.Checkpoint(found.arrays, state), key=bench.key)
    records = [{name: value for name, value in record.items() if name != "point"} for record in found.records]
    told = environment.now(begun) | room.told(tune["together"])
    write(plan, Made(records, found.arrays), out=out, facts=facts, provenance=told)
    checkpoint.unlink(missing_ok=True)


def _kept(path: Path, *, key: str) -> Made:
    """Return what a job that was killed had finished."""
    saved, _ = checkpoints.restore(path, key=key)
    return Made([], {}) if saved is None else Made(saved.state["records"], saved.arrays)


def _next(base: dict[str, Any], tune: dict[str, Any], dims: Dimensions, records: list[dict[str, Any]]) -> list[Any]:
    """Return the next stack of runs: trials while there are any left, then the reruns of the best."""
    n_known = len(records)
    if n_known >= tune["trials"]:
        best = best_of(records, tune)
        return [_numbered(base, best["point"], dims, "rerun", i) for i in range(tune["reruns"])]
    points = suggest(
        dims,
        [Trial(record["point"], extrapolated(record, records, tune)) for record in records],
        n_next(tune, n_known),
        name=base["id"],
        **{name: tune[name] for name in ("goal", "sampler", "first")},
    )
    return [_numbered(base, point, dims, "trial", n_known + i) for i, point in enumerate(points)]


def objective(record: dict[str, Any], tune: dict[str, Any]) -> float | None:
    """Return the validation metric at the end of a trial, also of one that was stopped; None if it diverged."""
    return None if record["outcome"] == "diverged" else float(record["valid"][tune["metric"]])


def extrapolated(record: dict[str, Any], records: list[dict[str, Any]], tune: dict[str, Any]) -> float | None:
    """Return what the model is told of a trial: of one that was stopped, what it might have come to.

    It is taken to gain as much from its rung to the end as those trials did, on average, that were not stopped.
    """
    value = objective(record, tune)
    if record["outcome"] != "stopped" or value is None:
        return value
    gains = [
        own["curve"][tune["metric"]][-1] - own["curve"][tune["metric"]][own["curve"]["step"].index(record["steps"])]
        for own in records
        if own["outcome"] in ("ok", "budget")
    ]
    return value + (sum(gains) / len(gains) if gains else 0.0)


def best_of(records: Iterable[dict[str, Any]], tune: dict[str, Any]) -> dict[str, Any]:
    """Return the best trial by validation, of equals the first; one that was stopped only if all others diverged."""
    sign = -1 if tune["goal"] == "highest" else 1

    def rank(record: dict[str, Any]) -> tuple[bool, bool, float]:
        value = objective(record, tune)
        return value is None, record["outcome"] == "stopped", 0.0 if value is None else sign * value

    return min((record for record in records if record["sweep"]["phase"] == "trial"), key=rank)


def _numbered(base: dict[str, Any], point: dict[str, Any], dims: Dimensions, phase: str, n: int) -> dict[str, Any]:
    """Return one trial or rerun as a run with every setting resolved."""
    values = settings(dims, point)
    blocks = with_values(base, values, where=base["id"])
    name = base["id"].rpartition("/")[0]
    own = {"sweep": base["sweep"] | {"phase": phase}, "seed": n, "id": f"{name}/{phase}/{n}"}
    return base | blocks | own | {"suggested": values, "point": point}


def _extended(found: Made, runs: list[dict[str, Any]], *, tune: dict[str, Any], bench: Bench) -> Made:
    """Return what was made before and these runs, trained; runs of one shape together.

    Trials are compared, and stopped, among those of their shape.
    """
    groups: dict[str, list[int]] = {}
    for i, own in enumerate(runs):
        groups.setdefault(canonical(shape(own, *BLOCKS)), []).append(i)
    halving = {"halving": tune} if tune["rungs"] and runs[0]["sweep"]["phase"] == "trial" else {}
    parts = []
    for rows in groups.values():
        plan = {"runs": [runs[i] for i in rows]} | halving
        make = partial(Trainer, plan, device=bench.device, data_dir=bench.data_dir, start=None)
        parts.append(made(trained(make, bench.room, path=bench.checkpoint,
                                  key=f"{bench.key} {[runs[i]['id'] for i in rows]}")))  # fmt: skip
        bench.checkpoint.unlink(missing_ok=True)
    order = np.argsort([i for rows in groups.values() for i in rows])
    records = [_told(record, tune) for part in parts for record in part.records]
    before = [found.arrays] if found.records else []
    arrays = {}
    for name in parts[0].arrays:
        new = np.concatenate([part.arrays[name] for part in parts])[order]
        arrays[name] = np.concatenate([*(own[name] for own in before), new])
    return Made(found.records + [records[i] for i in order], arrays)


def _told(record: dict[str, Any], tune: dict[str, Any]) -> dict[str, Any]:
    """Return a record with what the tuner was told of it."""
    last = {name: values[-1] for name, values in record["curve"].items()}
    return record | {
        "valid": {name: last.get(name) for name in record["metrics"]},
        "train_loss": last.get("loss"),
        "tuned": {name: tune[name] for name in ("metric", "goal", "sampler")},
    }
