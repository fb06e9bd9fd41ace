"""The speed regulariser: which states it slows down, under which input, and what it leaves
alone.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import make_run
from slowpoints.engine import measure, pack, prepare, step, unpack
from slowpoints.spec.strict import SpecError
from slowpoints.training.regulariser import COPIES, Kicks, Start, chosen, regularised
from slowpoints.training.stack import fresh, network
from slowpoints.training.trainer import Trainer, fit

TASK = {"name": "delayed_classification", "loss": "ce", "n_steps": 8}
KINDS = ["slow_points", "centres", "random", "shuffled"]


def fine_tuned(seed: int, **train: Any) -> dict[str, Any]:
    return make_run(seed, task=TASK, steps=10, start="x", start_arm="a", **train)


def trainer(
    runs: list[dict[str, Any]], start: Start | None = None, width: int | None = None
) -> Trainer:
    return Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=start, width=width)


def origin(runs: list[dict[str, Any]]) -> Start:
    net = network(runs[0].task, runs[0].net)
    size = net.units * len(net.cell.states)
    return Start(
        fresh(net, runs),
        torch.randn(len(runs), 3, size, generator=torch.Generator().manual_seed(0)),
    )


def at_start() -> tuple[Trainer, Kicks]:
    runs = [fine_tuned(i, regularise="centres", strength=0.5) for i in range(2)]
    made = trainer(runs, origin(runs))
    assert made.regulariser is not None
    return made, made.regulariser([0, 1], [0, 0])


FRONT = {"front": "conv", "front_maps": 3, "front_blocks": 2, "front_widths": [6]}


@pytest.mark.parametrize(
    "net", [{"cell": "gru"}, {"cell": "lstm"}, FRONT], ids=["gru", "lstm", "front"]
)
@pytest.mark.parametrize("is_visited", [False, True])
def test_slots_and_restarts_change_nothing(
    tmp_path: Path, *, net: dict[str, Any], is_visited: bool
) -> None:
    own = {"task": TASK, "net": net, "steps": 10}
    kinds = ["visited"] * 4 if is_visited else KINDS
    where = {} if is_visited else {"start": "x", "start_arm": "a"}
    kicks = ("noise", "noise", "noise" if is_visited else "scatter", "mean")
    runs = [
        make_run(i, **own, **where, regularise=kinds[i], strength=0.1 * i, kick=kicks[i])
        for i in range(4)
    ]
    start = None if is_visited else origin(runs)

    def ended(width: int) -> Trainer:
        made = trainer(runs, start, width)
        fit(made, path=tmp_path / "none.safetensors", key="test")
        return made

    whole = ended(4)
    assert len({tuple(row) for row in whole.slots.weights.tolist()}) == 4
    assert torch.equal(ended(1).slots.weights, whole.slots.weights)
    first = trainer(runs, start, 3)
    for _ in range(5):
        first.advance()
    first.evaluate()
    first.save(tmp_path / "checkpoint.safetensors", key="test")
    second = trainer(runs, start, 3)
    fit(second, path=tmp_path / "checkpoint.safetensors", key="test")
    assert torch.equal(second.slots.weights, whole.slots.weights)


def test_the_penalty_is_lambda_times_the_summed_squared_displacement_of_every_copy() -> None:
    made, kicks = at_start()
    net, params = made.net, made.params
    loss = torch.tensor([1.0, 2.0])
    found = regularised(net, params, loss, None, kicks)
    assert kicks.frames.shape == (2, 3 * COPIES, net.n_in)
    assert kicks.frames[..., -1].abs().max() == 0, "no trigger"
    for m in range(2):
        total = torch.zeros(())
        for k in range(3 * COPIES):
            state, frame = kicks.states[m, k], kicks.frames[m, k]
            own = {name: value[m : m + 1] for name, value in params.items()}
            _, moved = step(
                net, prepare(net, own), frame[None, None], unpack(net, state[None, None])
            )
            g = measure(net)
            total = total + (g(pack(moved))[0, 0] - g(state)).square().sum()
        scale = 8 * 11 / (8 + 7)  # of 8 steps and 11 outputs: theirs over ours
        torch.testing.assert_close(found[m], loss[m] + 0.5 * scale * total)


def test_without_weight_the_loss_of_the_task_is_silent_and_the_penalty_alone_is_trained() -> None:
    made, kicks = at_start()
    alone = kicks._replace(loss_weight=torch.zeros(2))
    both, penalty = (
        regularised(made.net, made.params, torch.ones(2), None, own) for own in (kicks, alone)
    )
    torch.testing.assert_close(both - penalty, torch.ones(2))
    assert (penalty > 0).all()


def test_visited_states_are_those_where_the_sequences_end_and_are_constants() -> None:
    made, kicks = at_start()
    states = torch.randn(2, kicks.frames.shape[1], 4)
    visiting = kicks._replace(states=torch.empty(2, 0, 0))
    final = states.clone().requires_grad_()
    zeros, given = torch.zeros(2), kicks._replace(states=states)
    found = regularised(made.net, made.params, zeros, unpack(made.net, final), visiting)
    torch.testing.assert_close(found, regularised(made.net, made.params, zeros, None, given))
    found.sum().backward()
    assert final.grad is None


def test_drift_and_scatter_add_up_to_what_noise_displaces() -> None:
    runs = [
        fine_tuned(0, regularise="centres", kick=kick, strength=1.0)
        for kick in ("noise", "mean", "scatter")
    ]
    made = trainer(runs, origin(runs))
    assert made.regulariser is not None
    found = torch.zeros(3)
    for at in range(300):
        kicks = made.regulariser([0, 1, 2], [at] * 3)
        kicks = kicks._replace(states=kicks.states[:1].expand(3, -1, -1))
        own = {name: value[:1].expand_as(value) for name, value in made.params.items()}
        with torch.no_grad():
            found += regularised(made.net, own, torch.zeros(3), None, kicks) / 300
    noise, drift, scatter = found
    assert drift > 0.02 * noise
    assert scatter > 0.02 * noise
    # a step is not quite linear in its input
    torch.testing.assert_close(drift + scatter, noise, rtol=0.03, atol=0)


def test_a_strength_weighs_as_much_beside_either_loss() -> None:
    strengths = {}
    for loss in ("ce", "paper"):
        run = make_run(0, task=TASK | {"loss": loss}, steps=10, start="x", start_arm="a",
                       regularise="centres", strength=1e-3)  # fmt: skip
        made = trainer([run], origin([run]))
        assert made.regulariser is not None
        strengths[loss] = float(made.regulariser([0], [0]).strength)
    assert strengths["paper"] == pytest.approx(1e-3)
    assert strengths["ce"] == pytest.approx(1e-3 * 8 * 11 / 15)


def test_the_mean_kick_is_the_mean_of_the_noise() -> None:
    runs = [
        fine_tuned(0, regularise="centres", kick=kick, strength=1.0) for kick in ("noise", "mean")
    ]
    made = trainer(runs, origin(runs))
    assert made.regulariser is not None
    noise, mean = torch.stack(
        [made.regulariser([0, 1], [step, step]).frames for step in range(40)]
    ).unbind(1)
    assert mean.std((0, 1)).max() < 1e-7
    torch.testing.assert_close(noise.mean((0, 1)), mean[0, 0], atol=0.05, rtol=0)


def test_chosen_states_keep_what_their_name_says() -> None:
    points = torch.randn(10, 6, generator=torch.Generator().manual_seed(1))
    own = {kind: chosen(fine_tuned(0, regularise=kind), points) for kind in [*KINDS, "none"]}
    for kind in ("slow_points", "centres", "none"):
        assert torch.equal(own[kind], points)
    assert not torch.equal(own["shuffled"], points)
    assert torch.equal(own["shuffled"].sort(0).values, points.sort(0).values), (
        "each unit keeps its values"
    )
    assert (own["random"] >= points.amin(0)).all()
    assert (own["random"] <= points.amax(0)).all()
    assert not torch.equal(own["random"], chosen(fine_tuned(1, regularise="random"), points)), (
        "each run its own"
    )
    assert torch.equal(own["random"], chosen(fine_tuned(0, regularise="random"), points))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"regularise": "shuffled"}, "regularise: shuffled needs start"),
        ({"regularise": "visited", "start": "x", "start_arm": "a"}, "visited takes no start"),
        ({"loss_weight": -1.0}, "must not be negative"),
        ({"kick": "hard"}, "unknown value 'hard'"),
        ({"regularise": "visited", "kick": "scatter"}, "visited states have none"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    train: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        make_run(0, task=TASK, **train)


def test_a_task_without_noise_cannot_be_regularised() -> None:
    with pytest.raises(SpecError, match="task adding has no noise under which states could move"):
        make_run(0, task={"name": "adding"}, regularise="visited")
