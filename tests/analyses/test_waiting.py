"""Networks that wait, built by hand: what their states do is known."""

import math
from typing import Any

import pytest
import torch

from helpers.plans import make_record, make_run
from slowpoints import tasks
from slowpoints.analyses import waiting
from slowpoints.training.stack import Group, fresh, network

OFFSET = 10.0  # keeps rectified units where they are linear


def linear(R: torch.Tensor, *, task: dict[str, Any], learns: bool = True, **net: Any) -> Group:
    """Return two rectified networks with h_t - OFFSET = R (h_{t-1} - OFFSET) + x_t, and a read-out
    of h_T - OFFSET.
    """
    runs = [
        make_run(
            i,
            arm="arm",
            task=task,
            net={"cell": "irnn", "units": len(R), "initial_state": "learned"} | net,
        )
        for i in range(2)
    ]
    made = network(runs[0].task, runs[0].net)
    here = torch.full((2, len(R)), OFFSET)
    eye = torch.eye(made.n_in, len(R))
    params = {
        "0.W.state": eye.expand(2, -1, -1),
        "0.b.state": here - here @ R,
        "0.R.state": R.expand(2, -1, -1),
        "0.init.state": here,
        "readout.W": torch.eye(len(R), made.n_out).expand(2, -1, -1) * learns,
        "readout.b": (-OFFSET * torch.eye(len(R), made.n_out).sum(0)).expand(2, -1) * learns,
    }
    params["0.init.h"] = params.pop("0.init.state")
    records = [make_record(run, metrics={"mse": 0.25}) for run in runs]
    module = tasks.load(task["name"])
    return Group(made, params, records, module, runs[0].task.settings, {})


SHOWN = {"name": "throughput", "n_in": 4, "n_steps": 6}


def test_an_identity_keeps_its_state_in_as_many_directions_as_it_has_units(analyse):
    table, arrays = analyse(waiting, [linear(torch.eye(4), task=SHOWN)])
    assert not arrays
    assert len(table) == 2
    row = table.iloc[0]
    assert row["speed"] == row["q"] == row["relative_speed"] == row["point_speed"] == 0
    assert (row["lasting"], row["expected"], row["miss"], row["n_wait"]) == (4, 4, 0, 5)
    assert (row["fixed"], row["slow"], row["open"]) == (1, 0, 0)
    assert row["spread"] == pytest.approx(2, rel=0.1)  # four numbers of variance one
    assert row["held"] == 3  # of four numbers, at an error of a quarter


def test_what_leaks_away_is_fast_and_does_not_last(analyse):
    a = 0.5
    table, _ = analyse(waiting, [linear(a * torch.eye(4), task=SHOWN)], n_sequences=2000)
    row = table.iloc[0]
    assert row["spread"] == pytest.approx(2 * a**4, rel=0.05)  # one step before the last of six
    # median for root mean square
    assert row["speed"] == pytest.approx((1 - a) * row["spread"], rel=0.1)
    assert row["q"] == pytest.approx(row["speed"] ** 2 / 2)
    assert row["relative_speed"] == pytest.approx(row["speed"] / row["spread"])
    assert (row["lasting"], row["miss"]) == (0, 1)


def test_directions_that_lasted_before_training_are_those_of_the_first_weights(analyse):
    group = linear(0.5 * torch.eye(6), task=SHOWN)
    table, _ = analyse(waiting, [group])
    untrained = fresh(group.network, [record.run for record in group.records])
    before, _ = analyse(waiting, [group._replace(params=untrained)])
    assert table["lasting"].tolist() == [0, 0]
    assert table["lasting_before"].tolist() == before["lasting"].tolist()
    assert before["lasting"].min() > 0  # identities, though some units are silent


@pytest.mark.parametrize(("slack", "lasting"), [(1e-6, 4), (-1e-6, 0)])
def test_a_direction_lasts_if_its_time_constant_is_the_waiting_time(slack, lasting, analyse):
    table, _ = analyse(waiting, [linear((math.exp(-1 / 5) + slack) * torch.eye(4), task=SHOWN)])
    assert table["lasting"].tolist() == [lasting] * 2


def test_states_that_rotate_move_and_last(analyse):
    table, _ = analyse(waiting, [linear(torch.eye(4).roll(1, 0), task=SHOWN)])
    row = table.iloc[0]
    assert row["relative_speed"] > 1
    assert row["lasting"] == 4
    assert row["point_speed"] < 1e-6  # all units equal: inside the box


def test_more_units_than_numbers_shown_are_more_directions_than_expected(analyse):
    row = analyse(waiting, [linear(torch.eye(6), task=SHOWN)])[0].iloc[0]
    assert (row["lasting"], row["expected"], row["miss"]) == (6, 4, 0.5)


@pytest.mark.parametrize(("learns", "held"), [(True, 3.0), (False, 0.0)])
def test_bits_that_an_identity_keeps_are_held(learns, held, analyse):
    task = {"name": "memorization", "n_targeted": 3, "n_interfering": 4, "layout": "delay"}
    shift = torch.eye(3).roll(1, 1)  # serial bits: each step moves them on by one unit
    group = linear(shift, task=task, learns=learns)
    # where six, five and four steps have led
    group.params["readout.W"] = group.params["readout.W"][:, [0, 2, 1]]
    row = analyse(waiting, [group], n_sequences=512)[0].iloc[0]
    assert (row["n_wait"], row["expected"]) == (4, 3)
    assert row["held"] == pytest.approx(held, abs=0.02)


def test_deeper_networks_are_not_searched(analyse):
    group = linear(torch.eye(4), task=SHOWN, depth=2)
    upper = {
        name.replace("0.", "1.", 1): value
        for name, value in group.params.items()
        if name.startswith("0.")
    }
    table, _ = analyse(waiting, [group._replace(params=group.params | upper)])
    assert table["point_speed"].isna().all()
    assert table["lasting"].tolist() == [8, 8]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"name": "adding", "n_steps": 6}, "networks of adding; known: throughput, memorization"),
        ({"name": "throughput", "n_in": 4, "n_steps": 1}, "never wait"),
    ],
)
def test_networks_that_do_not_wait_are_refused(task, message, analyse):
    with pytest.raises(ValueError, match=message):
        analyse(waiting, [linear(torch.eye(4), task=task)])


def test_no_network_gives_the_columns_alone(analyse):
    records = linear(torch.eye(4), task=SHOWN).records
    table, _ = analyse(waiting, [], records=records)
    assert len(table) == 0
    assert {"run", "lasting", "held", "fixed"} <= set(table)
