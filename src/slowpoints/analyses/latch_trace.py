"""The latch at work: gate and state of one network per arm along one sequence (Long et al. 2016,
memorization).

Per arm the network that holds its bits over the longest interference is shown; if none solved its
task, the one with the smallest error.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from slowpoints.analyses._given import Given, Result
from slowpoints.engine import prepare, start
from slowpoints.engine.draws import Draws
from slowpoints.engine.recurrence import advance, drive, stage_values
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.training.stack import Group, select

OF_TASKS = ("memorization",)


@dataclass(frozen=True)
class Settings:
    """How many sequences are followed."""

    n_sequences: int = 2

    def __post_init__(self) -> None:
        """Refuse an empty sample."""
        if self.n_sequences < 1:
            raise ValueError(f"latch_trace: n_sequences is {self.n_sequences}; must be at least 1")


def run(given: Given) -> Result:
    """Return input, gate (empty for cells without one) and state per step and unit."""
    best: dict[str, tuple[Group, int]] = {}
    for group in given.groups:
        for row, record in enumerate(group.records):
            other = best.get(record.run.arm)
            if other is None or _merit(record) > _merit(other[0].records[other[1]]):
                best[record.run.arm] = (group, row)
    parts = [
        _trace(group, row, n_sequences=given.settings.n_sequences) for group, row in best.values()
    ]
    return pd.concat(parts, ignore_index=True), {}


def _merit(record: Record) -> tuple[bool, bool, float, float]:
    """Return what to choose by: any interference at all, then solved, then its length, then the
    error.
    """
    n_interfering = record.task.settings.n_interfering
    return n_interfering > 0, record.solved, n_interfering * record.solved, -record.metric("mse")


def _trace(group: Group, row: int, *, n_sequences: int) -> pd.DataFrame:
    """Return the steps of one network on fresh sequences."""
    record, net = group.records[row], group.network
    params = select(group.params, [row])
    rng = Draws([seed_of(record.id, "trace")])
    batch = group.task.sample(record.task.settings, None, batch=n_sequences, split="test", rng=rng)
    (layer,), states = prepare(net, params), start(net, params, batch=n_sequences)[0]
    rows = []
    for t, x in enumerate(batch.x.unbind(1)):
        driven = drive(layer, x[None])
        values = stage_values(layer.stages[0], driven[len(layer.free)], states[0])
        gate = torch.sigmoid(values[net.cell.keep[0]])[0] if net.cell.keep else None
        states, _ = advance(net.cell, layer, driven, states)
        rows += [
            {
                "sequence": b,
                "t": t + 1,
                "unit": unit,
                "input": float(x[b, 0]),
                "gate": _entry(gate, b, unit),
                "state": float(states[-1][0, b, unit]),
                "phase": _phase(record, t),
            }
            for b in range(n_sequences)
            for unit in range(net.units)
        ]
    return pd.DataFrame(rows).assign(**identity(record))


def _entry(gate: Tensor | None, b: int, unit: int) -> float | None:
    return None if gate is None else float(gate[b, unit])


def _phase(record: Record, t: int) -> str:
    return "targeted" if t < record.task.settings.n_targeted else "interfering"
