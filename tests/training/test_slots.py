"""Which runs train at the moment, and what becomes of their weights."""

import pytest
import torch

from slowpoints.spec.training import TrainSettings
from slowpoints.training.optimiser import joined
from slowpoints.training.slots import MOST, NUMBERS, Slots, width_for

CPU = torch.device("cpu")


@pytest.fixture
def slots() -> Slots:
    """Return slots for five runs of three parameters; run i starts with i everywhere."""
    first = {"w": torch.arange(5.0)[:, None].expand(5, 3).clone()}
    trains = [TrainSettings(steps=10, batch=32, lr=0.1, eval_every=10)] * 5
    return Slots(trains, first, joined(list(first.values())), device=CPU)


def values(slots: Slots) -> list[float]:
    return slots.params["w"][:, 0].tolist()


def test_runs_enter_in_order_with_their_first_weights(slots: Slots) -> None:
    assert not slots.change([], [0, 1], tick=0), "slots were opened"
    assert (slots.members, values(slots), slots.steps(3)) == ([0, 1], [0, 1], [3, 3])


def test_a_run_that_ends_hands_its_slot_to_the_next_and_keeps_its_weights(slots: Slots) -> None:
    slots.change([], [0, 1], tick=0)
    slots.flat[0] += 10
    assert slots.change([0], [2], tick=5), "every tensor stays where it is"
    assert (slots.members, values(slots), slots.steps(5)) == ([2, 1], [2, 1], [0, 5])
    assert slots.weights[0, :3].tolist() == [10, 10, 10]


def test_what_the_optimiser_kept_of_a_run_is_not_the_next_ones(slots: Slots) -> None:
    slots.change([], [0, 1], tick=0)
    for moment in slots.moments:
        moment += 1
    slots.change([0], [2], tick=5)
    assert [moment[:, 0].tolist() for moment in slots.moments] == [[0, 1], [0, 1]]


def test_a_slot_that_nobody_takes_is_closed(slots: Slots) -> None:
    slots.change([], [0, 1, 2], tick=0)
    assert not slots.change([1], [], tick=5)
    assert (slots.members, values(slots)) == ([0, 2], [0, 2])


def test_groups_share_the_memory_of_the_whole(slots: Slots) -> None:
    slots.n_parts = 2
    slots.change([], [0, 1, 2], tick=0)
    assert [part.rows for part in slots.parts] == [slice(0, 2), slice(2, 4)]
    slots.parts[1].flat.add_(1)
    assert values(slots) == [0, 1, 3]


def test_as_many_runs_train_at_once_as_is_efficient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLOWPOINTS_SLOTS", raising=False)
    assert width_for(1, CPU) == MOST["cpu"]
    assert width_for(NUMBERS["cpu"] // 4, CPU) == 4
    assert width_for(10 * NUMBERS["cpu"], CPU) == 1
    monkeypatch.setenv("SLOWPOINTS_SLOTS", "7")
    assert width_for(1, CPU) == 7
