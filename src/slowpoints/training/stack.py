"""A stack in memory: networks of equal shape with a leading run axis.

Built from a plan, or loaded from records.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from slowpoints import cells, tasks
from slowpoints.cells.network import Network, count_parameters, from_settings
from slowpoints.engine import initialise
from slowpoints.engine.draws import Draws
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import (
    HISTORY,
    BadResult,
    check_one_version,
    read_arrays,
    read_records,
)
from slowpoints.spec.canonical import canonical, shape
from slowpoints.spec.run import Run
from slowpoints.spec.seeds import seed_of
from slowpoints.spec.settings import PER_RUN_NET, NetBlock, TaskBlock
from slowpoints.tasks import Task


class Group(NamedTuple):
    """Trained networks of one shape.

    values of params: [M, ...]; records: M of them, in the same order
    """

    network: Network
    params: dict[str, Tensor]
    records: list[Record]
    task: Task
    settings: Any
    # the same parameters on the way, [M, K, ...]; empty where none were kept
    history: dict[str, Tensor]


def network(task: TaskBlock, net: NetBlock) -> Network:
    """Return the network that the blocks of a run describe, its units fitted to a budget."""
    cell, own, s = cells.load(net.cell).build(net.own), tasks.load(task.name), task.settings
    return from_settings(cell, net, n_in=own.n_in(s), n_out=own.n_out(s), frame=own.frame(s))


def key_of(run: Run, purpose: str) -> int:
    """Return what names the random numbers of one run for one purpose (initial weights, data, fixed
    world).
    """
    point = ",".join(f"{k}={v}" for k, v in sorted(run.sweep.items()))
    return seed_of(run.experiment, run.arm, point, run.seed, purpose)


def draws(run: Run, purpose: str, device: torch.device) -> Draws:
    """Return the random numbers of one run for one purpose."""
    return Draws([key_of(run, purpose)], device=device)


def fresh(net: Network, runs: list[Run]) -> dict[str, Tensor]:
    """Return freshly initialised parameters, each run from its own stream.    -> values [M, ...]"""
    own = [
        initialise(
            net,
            rng=torch.Generator().manual_seed(key_of(run, "weights")),
            **{name: getattr(run.net, name) for name in PER_RUN_NET},
        )
        for run in runs
    ]
    return {name: torch.stack([params[name] for params in own]) for name in own[0]}


def select(params: dict[str, Tensor], rows: slice | list[int]) -> dict[str, Tensor]:
    """Return the parameters of some runs.    values: [M, ...] -> [m, ...]"""
    return {name: value[rows] for name, value in params.items()}


def rows_of(group: Group, rows: slice | list[int]) -> Group:
    """Return some networks of a group."""
    own = list(range(len(group.records)))[rows] if isinstance(rows, slice) else rows
    params, history = select(group.params, rows), select(group.history, rows)
    return group._replace(
        params=params, records=[group.records[row] for row in own], history=history
    )


def in_float64(group: Group) -> Group:
    """Return the networks with weights in double precision."""
    return group._replace(params={name: value.double() for name, value in group.params.items()})


def load(files: list[Path]) -> list[Group]:
    """Return the trained networks in record files, one Group per shape.

    Diverged runs are left out.
    """
    found = [group for path in files for group in _load_one(path)]
    by_shape: dict[str, list[Group]] = {}
    check_one_version({path: read_records(path) for path in files})
    for group in found:
        by_shape.setdefault(
            canonical(shape(group.records[0].run.blocks, "task", "net")), []
        ).append(group)
    return [_joined(groups) for groups in by_shape.values()]


def _load_one(path: Path) -> list[Group]:
    """Return the networks in one record file by shape.

    Those of one study may differ in it, not in their weights'.
    """
    records = read_records(path)
    arrays, history = weights_of(path, records[0])
    by_shape: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        if not record.is_lost:
            by_shape.setdefault(canonical(shape(record.run.blocks, "task", "net")), []).append(i)
    return [_group(path, [records[i] for i in rows], _rows(arrays, rows), _rows(history, rows))
            for rows in by_shape.values()]  # fmt: skip


def _rows(arrays: dict[str, np.ndarray], rows: list[int]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array[rows]) for name, array in arrays.items()}


def _group(
    path: Path, records: list[Record], params: dict[str, Tensor], history: dict[str, Tensor]
) -> Group:
    first = records[0]
    net = network(first.task, first.net)
    if count_parameters(net) != first.n_parameters:
        raise BadResult(
            path.with_name(first.weights["file"]),
            "its parameter count is not that of the network its record describes",
        )
    return Group(net, params, records, tasks.load(first.task.name), first.task.settings, history)


def weights_of(path: Path, record: Record) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the final weights of the networks in a record file, [N, ...], and those kept on the
    way, [N, K, ...].
    """
    arrays = read_arrays(path.with_name(record.weights["file"]), seal=record.weights["sha256"])
    kept = {
        name.removeprefix(HISTORY): value
        for name, value in arrays.items()
        if name.startswith(HISTORY)
    }
    return {name: value for name, value in arrays.items() if not name.startswith(HISTORY)}, kept


def _joined(groups: list[Group]) -> Group:
    first = groups[0]
    params = {name: torch.cat([g.params[name] for g in groups]) for name in first.params}
    history = {name: torch.cat([g.history[name] for g in groups]) for name in first.history}
    return first._replace(
        params=params, records=[r for g in groups for r in g.records], history=history
    )
