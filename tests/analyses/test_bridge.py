"""Networks in coarser weights: what rounding does, and what of the stored bits it leaves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.plans import make_record, make_run
from slowpoints import tasks
from slowpoints.analyses import bits, bridge
from slowpoints.analyses._given import Given
from slowpoints.analyses._rounding import bfloat16, quantised
from slowpoints.cells.network import shapes
from slowpoints.provenance.records import read_records
from slowpoints.spec.stack import Stack
from slowpoints.training import job
from slowpoints.training.stack import Group, load, network

FORMATS = ["fp32", "bf16", "q8", "q7", "q6", "q5", "q4", "q3", "q2"]
TASK = {"name": "perceptron", "n_in": 12, "n_steps": 2, "labels_per_parameter": 1.5}


def grid(bits: int) -> torch.Tensor:
    """Return the levels of a grid with a step of one eighth.    -> [2**bits]"""
    return (torch.arange(2**bits) - 2 ** (bits - 1) + 0.5) / 8


@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_on_a_grid_stay_there_to_the_last_bit(bits):
    rng = torch.Generator().manual_seed(bits)
    w = torch.stack(
        [grid(bits)[torch.randperm(2**bits, generator=rng)], grid(bits) * 4, torch.zeros(2**bits)]
    )
    assert torch.equal(quantised(w.reshape(3, -1, 2), bits=bits).reshape(3, -1), w)


@pytest.mark.parametrize("bits", range(2, 9))
def test_rounding_gives_each_network_its_own_levels_and_as_many_as_the_bits_allow(bits):
    w = (
        torch.randn(2, 40, 50, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 100.0])[:, None, None]
    )
    found = quantised(w, bits=bits)
    assert (found.shape, found.dtype) == (w.shape, w.dtype)
    for own in found:
        levels = own.unique().double()
        assert len(levels) <= 2**bits
        # a whole number: none is zero, and they mirror each other
        level = levels / levels.diff().min() - 0.5
        assert torch.allclose(level, level.round(), atol=1e-3)
    assert torch.equal(quantised(w[1:], bits=bits), found[1:])


def test_the_range_has_the_least_squared_error_known_for_normal_weights():
    w = torch.randn(1, 200_000, generator=torch.Generator().manual_seed(0))
    error = {k: float((quantised(w, bits=k) - w).square().mean()) for k in (2, 3, 4)}
    # Max (1960), Table II: the optimal uniform quantiser of a normal variable
    assert error == pytest.approx({2: 0.1188, 3: 0.03744, 4: 0.01154}, rel=0.02)


def test_more_bits_never_hurt_and_a_single_weight_is_kept():
    w = torch.randn(1, 500, generator=torch.Generator().manual_seed(3))
    errors = [float((quantised(w, bits=k) - w).square().sum()) for k in range(2, 9)]
    assert errors == sorted(errors, reverse=True)
    assert quantised(torch.tensor([[-0.3]]), bits=2).item() == pytest.approx(-0.3, rel=1e-6)


def test_bfloat16_keeps_seven_bits_of_the_fraction():
    w = torch.tensor([[1.0, 1 + 2**-7, 1 + 2**-9, -3e30]])
    assert bfloat16(w)[0, :3].tolist() == [1.0, 1 + 2**-7, 1.0]
    assert bfloat16(w).dtype == torch.float32


@pytest.fixture(scope="module", params=[2, 4])
def files(tmp_path_factory, request) -> Path:
    """Return the records of a few trained networks.

    Two reruns and a trial, with sets of different sizes.
    """
    task = TASK | {"n_classes": request.param}
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        make_run(
            seed,
            task=task | {"labels_per_parameter": 1.5 + seed},
            net={"cell": "rnn", "units": 6},
            steps=300,
        )
        for seed in range(3)
    ]
    phases = ("rerun", "rerun", "trial")
    runs = [replace(run, sweep={"phase": phase}) for run, phase in zip(runs, phases, strict=True)]
    out = [folder / f"s.{end}" for end in ("json", "jsonl", "safetensors", "provenance.json")]
    job.run(Stack("rnn-0-0", "test", runs), out=job.Outputs(*out), checkpoint=folder / "c",
            device=torch.device("cpu"), data_dir=None, torch_build="cpu", start=None)  # fmt: skip
    return out[1]


def bridged(groups: list[Group], records: list[dict]) -> pd.DataFrame:
    return bridge.run(Given(groups, records, bridge.Settings(), {}, {}, Path()))[0]


def test_as_trained_a_network_has_exactly_the_metrics_of_its_record(files):
    records = read_records(files)
    table = bridged(load([files]), records)
    assert table["format"].tolist() == 2 * FORMATS
    assert table["phase"].unique().tolist() == ["rerun"]
    known = bits.run(Given([], records[:2], bits.Settings(), {}, {}, Path()))[0]
    trained = table[table["format"] == "fp32"].reset_index()
    for name in ("run", "n_classes", "accuracy", "bits_per_parameter", "soft_bits_per_parameter"):
        assert trained[name].tolist() == known[name].tolist(), name
    assert (trained["accuracy"] > 1.2 / trained["n_classes"]).all()
    assert (trained["kept"] == 1).all()


def test_what_is_kept_and_stored_follows_from_the_bits(files):
    table = bridged(load([files]), read_records(files)).set_index(["run", "format"])
    for run in table.index.unique("run"):
        own = table.loc[run]
        hard = own["bits_per_parameter"]
        assert own["kept"].to_numpy() == pytest.approx(
            (hard / hard["fp32"]).to_numpy(), nan_ok=True
        )
        assert own["bits_per_stored_bit"].to_numpy() == pytest.approx(
            (hard / own["storage_bits"]).to_numpy()
        )
        assert own["storage_bits"].tolist() == [32, 16, 8, 7, 6, 5, 4, 3, 2]
        assert (own["soft_per_hard"] * hard).to_numpy() == pytest.approx(
            own["soft_bits_per_parameter"].to_numpy()
        )
        assert hard["q2"] < hard["fp32"]


def on_a_grid(bits: int, *, scale: float = 1.0, seed: int = 0) -> Group:
    """Return a hand-made network whose weights, all levels among them where there is room, lie on a
    grid.
    """
    plan = make_run(task=TASK, net={"cell": "rnn", "units": 8, "initial_state": "learned"})
    made = network(plan.task, plan.net)
    rng = torch.Generator().manual_seed(seed)
    levels = torch.arange(2**bits) - 2 ** (bits - 1) + 0.5
    params = {}
    for name, shape in shapes(made).items():
        n = int(np.prod(shape))
        index = torch.randint(0, 2**bits, (n,), generator=rng)
        index[0] = 2**bits - 1  # the outermost level tells the step
        params[name] = (levels[index] * scale / 8).reshape(1, *shape)
    n_parameters = sum(value[0].numel() for value in params.values())
    record = make_record(plan, n_parameters=n_parameters)
    return Group(made, params, [record], tasks.load("perceptron"), plan.task.settings, {})


def test_a_network_on_a_coarse_grid_loses_nothing_there_and_something_below():
    group = on_a_grid(4, seed=2)
    own = bridged([group], group.records).set_index("format")
    measures = ["accuracy", "bits_per_parameter", "soft_bits_per_parameter"]
    assert own.loc["q4", measures].tolist() == own.loc["fp32", measures].tolist()
    assert own.loc["bf16", measures].tolist() == own.loc["fp32", measures].tolist()
    assert own.loc["q2", "accuracy"] != own.loc["fp32", "accuracy"]


def test_without_bits_nothing_is_divided_by_them():
    group = on_a_grid(3)
    silent = group._replace(
        params={
            name: torch.full_like(value, float(name == "readout.b"))
            for name, value in group.params.items()
        }
    )
    own = bridged([silent], group.records)
    # it says 1, and fewer than half of its labels are
    assert (own["bits_per_parameter"] == 0).all()
    assert own[["kept", "soft_per_hard"]].isna().all(axis=None)


def test_without_networks_the_table_is_empty_but_has_its_columns(files):
    trial = [rows for rows in read_records(files) if rows.run.sweep["phase"] == "trial"]
    table = bridged([], trial)
    assert not len(table)
    assert {"run", "arm", "phase", "n_classes", "format", "kept", "soft_per_hard"} <= set(table)
