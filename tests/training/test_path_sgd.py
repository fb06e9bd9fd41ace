"""Path-SGD: what a weight carries, path by path, and that rescaled networks go the same way."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.plans import make_run
from slowpoints.engine import readout, unroll
from slowpoints.spec.canonical import shape
from slowpoints.spec.run import BLOCKS
from slowpoints.spec.strict import SpecError
from slowpoints.training.path_sgd import carried
from slowpoints.training.stack import fresh, network
from slowpoints.training.trainer import Trainer

TASK = {"name": "adding", "n_steps": 4}
RECTIFIED = {"cell": "rnn", "activation": "relu", "units": 3, "initial_state": "learned"}


def runs(optimizer: str, *, n: int = 1, **net: Any) -> list[Any]:
    train = {"optimizer": optimizer, "steps": 10, "lr": 0.01, "clip": 0.0}
    return [make_run(i, task=TASK, net=RECTIFIED | net, **train) for i in range(n)]


def by_path(q: dict[str, Tensor], *, n_steps: int, n_read: int) -> Tensor:
    """Return the summed outputs of one layer, path by path; every path starts at a one."""
    units, total = range(len(q["readout.W"])), torch.zeros((), dtype=torch.float64)
    into = q["0.W.state"].sum(0) + q["0.b.state"]
    for end in range(n_steps - n_read + 1, n_steps + 1):
        for begun in range(end + 1):  # the step at which a path enters; 0: the initial state
            first = q["0.init.h"] if begun == 0 else into
            for path in itertools.product(units, repeat=end - max(begun, 1) + 1 + (begun == 0)):
                weight = first[path[0]]
                for a, b in itertools.pairwise(path):
                    weight = weight * q["0.R.state"][a, b]
                total = total + weight * q["readout.W"][path[-1]].sum()
        total = total + q["readout.b"].sum()
    return total


@pytest.mark.parametrize("n_read", [1, 2])
def test_a_weight_carries_the_squared_paths_that_lead_through_it(n_read: int) -> None:
    made = runs("path_sgd", n=2)
    net = network(made[0].task, made[0].net)
    params = fresh(net, made)
    found = carried(net, params, n_steps=4, n_read=n_read)
    for m in range(2):
        q = {k: v[m].double().square().requires_grad_() for k, v in params.items()}
        total = by_path(q, n_steps=4, n_read=n_read)
        wanted = torch.autograd.grad(total, list(q.values()))
        for (name, value), slope in zip(found.items(), wanted, strict=True):
            torch.testing.assert_close(value[m].double(), slope, rtol=1e-5, atol=1e-9, msg=name)


def rescaled(params: dict[str, Tensor], by: float) -> dict[str, Tensor]:
    """Return the same function: what leads into the first unit times a number, what leaves over
    it.
    """
    own = {name: value.clone() for name, value in params.items()}
    for name in ("0.W.state", "0.b.state", "0.R.state", "0.init.h"):
        own[name][..., 0] *= by
    own["0.R.state"][:, 0] /= by
    own["readout.W"][:, 0] /= by
    return own


@pytest.mark.parametrize(("optimizer", "is_invariant"), [("path_sgd", True), ("sgd", False)])
def test_rescaled_networks_go_the_same_way(optimizer: str, *, is_invariant: bool) -> None:
    outputs = []
    for by in (1.0, 4.0):
        made = Trainer(runs(optimizer), device=torch.device("cpu"), data_dir=Path(), start=None)
        own = rescaled({k: v.detach() for k, v in made.slots.params.items()}, by)
        with torch.no_grad():
            for name, value in made.slots.params.items():
                value.copy_(own[name])
        for _ in range(5):
            made.advance()
        x = torch.rand(1, 8, 4, 2, generator=torch.Generator().manual_seed(0))
        y, _ = unroll(made.net, made.slots.params, x, last=1)
        outputs.append(readout(made.net, made.slots.params, y))
    assert torch.allclose(*outputs, rtol=1e-4, atol=1e-5) == is_invariant


def test_such_runs_are_stacked_apart() -> None:
    one, other = (runs(kind)[0].blocks for kind in ("path_sgd", "sgd"))
    assert shape(one, *BLOCKS) != shape(other, *BLOCKS)


@pytest.mark.parametrize("net", [{"activation": "tanh"}, {"cell": "gru"}])
def test_other_cells_are_refused(net: dict[str, Any]) -> None:
    own = {k: v for k, v in RECTIFIED.items() if k != "activation" or net.get("cell") is None}
    with pytest.raises(SpecError, match="path_sgd is for rectified networks without gates"):
        make_run(0, task=TASK, net=own | net, optimizer="path_sgd", steps=10)
