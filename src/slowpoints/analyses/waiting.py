"""What states do while the network waits.

How fast they move, and in how many directions a difference lasts.

Here the three papers meet: held numbers (Collins et al. 2017) or bits (Long et al. 2016) against
the speed of states (Haviv et al. 2019). The map is one step without input, which is also the mean
of interfering bits; it is looked at where evaluation sequences are one step before they are asked.
A direction lasts if its time constant -1/ln|lambda| is at least the waiting time, lambda an
eigenvalue of the map's Jacobian there; where states rotate, directions last too.

Speeds depend on the scale of a state, which no task fixes: `relative_speed` is in units of the
states' own spread. The search for slow points starts from visited states and stays within two
standard deviations of their mean, inside their range, as elsewhere. Networks of several layers are
not searched.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.analyses._delayed import as_table
from slowpoints.analyses._given import Given, Result
from slowpoints.dynamics import FIXED, OPEN, SLOW, find_slow_points, spectrum, speed
from slowpoints.engine import (
    measure,
    pack,
    readout,
    state_curvature,
    state_jacobian,
    state_map,
    unroll,
)
from slowpoints.measures.information import bits_held
from slowpoints.provenance.record import Record
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks import Batch, Draws
from slowpoints.training.stack import Group, fresh, in_float64, rows_of

OF_TASKS = ("throughput", "memorization")
TOGETHER = 16  # networks looked at together
N_DEVIATIONS = 2.0
KINDS = {"fixed": FIXED, "slow": SLOW, "open": OPEN}
COLUMNS = (
    "n_wait",
    "q",
    "speed",
    "spread",
    "relative_speed",
    "lasting",
    "lasting_before",
    "expected",
    "miss",
    "point_speed",
    "fixed",
    "slow",
    "open",
    "mse",
    "held",
)


@dataclass(frozen=True)
class Settings:
    """How many states are looked at."""

    n_sequences: int = 256  # for speeds, and for the bits held
    n_states: int = 4  # of them, for eigenvalues and as starts of the search
    max_iterations: int = 60

    def __post_init__(self) -> None:
        """Refuse empty samples."""
        if (
            not 1 <= self.n_states <= self.n_sequences
            or self.max_iterations < 1
            or self.n_sequences < 2
        ):
            raise ValueError(
                "waiting: n_sequences must be at least 2, n_states lie in 1..n_sequences, "
                "max_iterations be at least 1"
            )


def run(given: Given) -> Result:
    """Return one row per network: speeds are medians over states, `lasting` the median number of
    directions.

    lasting_before: the same with the first weights; expected: min(units, numbers shown) for
    throughput, targeted bits for memorization; miss: |lasting / expected - 1|; fixed, slow, open:
    shares of the points found; held: numbers, n_in (1 - mse), or bits, the sum of 1 - H(error).
    """
    rows = []
    for group in given.groups:
        if group.records[0].task.name not in OF_TASKS:
            raise ValueError(
                f"waiting: networks of {group.records[0].task.name}; known: {', '.join(OF_TASKS)}"
            )
        for first in range(0, len(group.records), TOGETHER):
            rows += _rows(
                in_float64(rows_of(group, slice(first, first + TOGETHER))), given.settings
            )
    return as_table(rows, records=given.records, columns=COLUMNS), {}


@torch.no_grad()
def _rows(group: Group, settings: Settings) -> list[dict[str, Any]]:
    n_wait = _waiting_steps(group)
    rng = Draws([seed_of(group.records[0].run.experiment, "waiting")])
    batch = group.task.evaluation(
        group.settings, None, rows=settings.n_sequences, split="test", rng=rng
    )
    x = pad(batch.x, (0, 0, 0, batch.silent)).double().expand(len(group.records), -1, -1, -1)
    first = {
        name: value.double()
        for name, value in fresh(group.network, [record.run for record in group.records]).items()
    }
    few = x[:, : settings.n_states]
    columns = _columns(group, x, settings) | {
        "lasting": _lasting(group, group.params, few, n_wait),
        "lasting_before": _lasting(group, first, few, n_wait),
    }
    out = readout(group.network, group.params, unroll(group.network, group.params, x, last=1)[0])
    rows = []
    for m, record in enumerate(group.records):
        own = {name: float(value[m]) for name, value in columns.items()}
        wanted = _expected(record)
        rows.append(
            identity(record)
            | own
            | {"n_wait": n_wait, "expected": wanted, "miss": abs(own["lasting"] / wanted - 1)}
            | {"mse": record.metrics["mse"], "held": _held(record, out[m], batch)}
        )
    return rows


def _columns(group: Group, x: Tensor, settings: Settings) -> dict[str, Tensor]:
    """Return what is seen of the states one step before the end, and found near them.

    x: [M, B, T, I] -> each [M]
    """
    net, params, g = group.network, group.params, measure(group.network)
    nothing = x.new_zeros(len(x), net.n_in)
    h, F = _states(group, params, x), state_map(net, params, nothing)
    fast = _middle(speed(F, h, measure=g))
    spread = (g(h) - g(h).mean(1, keepdim=True)).square().sum(-1).mean(1).sqrt()
    relative = torch.where(spread > 0, fast / spread, torch.nan)
    columns = {
        "q": 0.5 * fast.square(),
        "speed": fast,
        "spread": spread,
        "relative_speed": relative,
    }
    if net.depth > 1:
        return columns
    lower, upper = _box(h)
    found = find_slow_points(
        F, h[:, : settings.n_states], measure=g, jacobian=state_jacobian(net, params, nothing),
        curvature=state_curvature(net, params, nothing), lower=lower, upper=upper,
        max_iterations=settings.max_iterations,
    )  # fmt: skip
    kinds = {name: (found.kind == kind).double().mean(1) for name, kind in KINDS.items()}
    return columns | {"point_speed": _middle(found.speed)} | kinds


def _states(group: Group, params: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the states before the last step.    x: [M, B, T, I] -> [M, B, S]"""
    return pack(unroll(group.network, params, x[:, :, :-1])[1])


def _lasting(group: Group, params: dict[str, Tensor], x: Tensor, n_wait: int) -> Tensor:
    """Return the median number of directions that last.    x: [M, B, T, I] -> [M]"""
    jacobian = state_jacobian(group.network, params, x.new_zeros(len(x), group.network.n_in))
    lasts = spectrum(jacobian(_states(group, params, x))).abs() >= math.exp(-1 / n_wait)
    return _middle(lasts.sum(-1).double())


def _middle(values: Tensor) -> Tensor:
    """Return the median over states.    [M, N] -> [M]"""
    return values.quantile(0.5, 1)


def _box(h: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far the search may go.    h: [M, B, S] -> each [M, 1, S]"""
    mean, reach = h.mean(1, keepdim=True), N_DEVIATIONS * h.std(1, correction=0, keepdim=True)
    return torch.maximum(mean - reach, h.amin(1, keepdim=True)), torch.minimum(
        mean + reach, h.amax(1, keepdim=True)
    )


def _waiting_steps(group: Group) -> int:
    """Return the steps between the last that matters and the answer."""
    task = group.records[0].task
    n_wait = int(
        task.settings.n_steps - 1 if task.name == "throughput" else task.settings.n_interfering
    )
    if n_wait < 1:
        raise ValueError(f"waiting: networks of {group.records[0].run.experiment} never wait")
    return n_wait


def _expected(record: Record) -> int:
    """Return how many directions would do: a number each, or a bit each."""
    task = record.task
    return int(
        min(record.units, task.settings.n_in)
        if task.name == "throughput"
        else task.settings.n_targeted
    )


def _held(record: Record, out: Tensor, batch: Batch) -> float:
    """Return the numbers or bits held at the end.    out: [B, 1, O]"""
    if record.task.name == "throughput":
        return float(record.task.settings.n_in * (1 - record.metric("mse")))
    return float(bits_held(((out > 0) == (batch.y > 0)).double().mean((0, 1)).numpy()))
