"""Training an ensemble: the pipeline's own steps, each network by its own settings."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.plans import make_run
from slowpoints import tasks
from slowpoints.ensemble import Ensemble
from slowpoints.tasks import Batch
from slowpoints.training.batches import Feed, worlds
from slowpoints.training.stack import fresh, network
from slowpoints.training.trainer import Trainer
from slowpoints.training.trainer import fit as pipeline

CPU = torch.device("cpu")
N, B, T = 3, 8, 6


def ensemble(**sizes) -> Ensemble:
    return Ensemble("gru", **({"n": N, "n_in": 2, "n_out": 2, "units": 5} | sizes))


def sample(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randn(B, T, 2, generator=rng)
    return x, x.cumsum(1).tanh()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_it_trains_as_the_pipeline_does_to_the_bit(cell: str, tmp_path: Path):
    runs = [make_run(i, net={"cell": cell}, lr=0.01 * (i + 1), clip=float(i)) for i in range(N)]
    reference = Trainer(runs, device=CPU, data_dir=Path(), start=None)
    pipeline(reference, path=tmp_path / "none.safetensors", key="test")

    net, task = network(runs[0].task, runs[0].net), tasks.load(runs[0].task.name)
    own = [run.task.settings for run in runs]
    fixed = worlds(runs, task, own, n_parameters=reference.n_parameters, data_dir=Path())
    feed, batches = Feed(runs, task, own, fixed, CPU), list[Batch]()

    def draw(rng: torch.Generator) -> tuple[Tensor, Tensor]:
        batches.append(feed(list(range(N)), [len(batches)] * N))
        return batches[-1].x, batches[-1].y

    nets = Ensemble(
        net.cell,
        n=N,
        n_in=net.n_in,
        n_out=net.n_out,
        units=net.units,
        depth=net.depth,
        learned_state=net.learned_state,
    )
    nets.load_state_dict(fresh(net, runs))
    first = draw(torch.Generator())[1]
    feed, batches = Feed(runs, task, own, fixed, CPU), []
    nets.fit(
        draw,
        steps=runs[0].train.steps,
        loss="mse",
        lr=torch.tensor([run.train.lr for run in runs], dtype=torch.float64),
        clip=torch.tensor([run.train.clip for run in runs]),
        last=first.shape[2],
    )
    for name, value in reference.params.items():
        assert torch.equal(nets.params[name], value), name


def test_a_network_is_trained_the_same_alone_and_in_company():
    together, alone = ensemble(), ensemble()[1]
    rates = torch.tensor([0.001, 0.02, 0.005])
    history = together.fit(sample, steps=30, lr=rates)
    own = alone.fit(sample, steps=30, lr=float(rates[1]))
    assert torch.equal(alone.params["0.R.candidate"][0], together.params["0.R.candidate"][1])
    assert torch.equal(own.loss[:, 0], history.loss[:, 1])


def test_it_learns_and_says_so():
    nets = ensemble()
    history = nets.fit(sample, steps=250, lr=0.02)
    assert history.steps.tolist() == [100, 200, 250]
    assert history.loss.shape == (3, N)
    assert (history.loss[-1] < 0.3 * history.loss[0]).all()
    assert history.ended.tolist() == [-1] * N
    assert history.skipped.tolist() == [0] * N
    assert all(value.requires_grad for value in nets.parameters())


def test_one_seed_gives_one_answer_and_another_another():
    trained = []
    for seed in (0, 0, 1):
        nets = ensemble()
        nets.fit(sample, steps=5, seed=seed)
        trained.append(nets.params["readout.W"])
    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])


def test_a_network_that_is_good_enough_ends_and_the_others_go_on():
    nets = ensemble()
    history = nets.fit(sample, steps=300, lr=torch.tensor([1e-6, 0.03, 1e-6]), until=0.1)
    assert history.ended[0] == history.ended[2] == -1
    step = int(history.ended[1])
    assert step in (100, 200)
    assert history.loss[: step // 100, 1].isfinite().all()
    assert history.loss[step // 100 :, 1].isnan().all()
    assert history.loss[:, [0, 2]].isfinite().all()
    short = ensemble()
    short.fit(sample, steps=step, lr=torch.tensor([1e-6, 0.03, 1e-6]))
    assert torch.equal(short.params["readout.W"][1], nets.params["readout.W"][1])
    assert torch.equal(ensemble().fit(sample, steps=300, until=9.0).steps, torch.tensor([100]))


def test_a_gradient_that_is_not_finite_is_counted_and_disturbs_no_other():
    def plain(outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs - y).square().flatten(1).mean(1)

    def broken(outputs: Tensor, y: Tensor) -> Tensor:
        return plain(outputs, y) * torch.tensor([1.0, torch.inf, 1.0])

    nets, clean = ensemble(), ensemble()
    before = {name: value.detach().clone() for name, value in nets.params.items()}
    history = nets.fit(sample, steps=20, loss=broken)
    clean.fit(sample, steps=20, loss=plain)
    assert history.skipped.tolist() == [0, 20, 0]
    for name, value in nets.params.items():
        assert torch.equal(value[1], before[name][1])
        assert torch.equal(value[[0, 2]], clean.params[name][[0, 2]])


def test_tensors_of_ones_own_and_classes():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(N, B, T, 2, generator=rng)
    y = (x[:, :, -2:, 0] > 0).long()
    nets = ensemble()
    history = nets.fit((x, y), steps=200, loss="cross_entropy", lr=0.03, last=2)
    assert (history.loss[-1] < 0.2).all()
    out, _ = nets(x, last=2)
    assert ((out[..., 1] > out[..., 0]).long() == y).float().mean() > 0.95


def test_what_was_learned_stays_when_training_is_interrupted():
    nets, calls = ensemble(), list[int]()

    def stops(rng: torch.Generator) -> tuple[Tensor, Tensor]:
        calls.append(0)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return sample(rng)

    with pytest.raises(KeyboardInterrupt):
        nets.fit(stops, steps=50)
    short = ensemble()
    short.fit(sample, steps=5)
    assert torch.equal(nets.params["readout.W"], short.params["readout.W"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "mes"}, "unknown loss 'mes'; known: cross_entropy, mse"),
        ({"lr": torch.ones(2)}, r"lr has shape \[2\]; give one number, or 3"),
        ({"lr": torch.tensor([0.1, torch.nan, 0.1])}, "lr is .*; give finite numbers"),
        ({"clip": torch.inf}, "clip is inf; give finite numbers"),
        ({"lr": -1.0}, "lr and lr_final must be positive"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"loss": lambda out, y: (out - y).square().mean()}, "return one number for each network"),
        ({"sample": (torch.zeros(2, B, T, 2), torch.zeros(2, B, T, 2))}, r"or \[3, B, T, I\]"),
        ({"sample": (torch.zeros(B, T, 5), torch.zeros(B, T, 2))}, r"x is \[3, 8, 6, 5\]"),
        ({"sample": (torch.zeros(B, T, 2), torch.zeros(B, T, 1))}, r"y is \[3, 8, 6, 1\]"),
        *(
            (
                {
                    "sample": (torch.zeros(B, T, 2), torch.full((B, T), wrong)),
                    "loss": "cross_entropy",
                },
                f"y holds classes {wrong} to {wrong}; with 2 outputs give 0 to 1",
            )
            for wrong in (2, -1, -100)  # the last is what torch's own loss leaves out
        ),
        ({"last": -1}, r"last is -1; it must lie in 1..6"),
        ({"last": 7}, r"last is 7; it must lie in 1..6"),
        ({"optimizer": "adamw"}, "unknown optimizer 'adamw'"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message: str):
    given = {"sample": sample, "steps": 3} | changes
    nets = ensemble()
    before = nets.params["readout.W"].detach().clone()
    with pytest.raises(ValueError, match=message):
        nets.fit(given.pop("sample"), **given)
    assert torch.equal(nets.params["readout.W"], before)


def test_networks_in_double_precision_are_not_trained():
    with pytest.raises(ValueError, match="call float"):
        ensemble().double().fit(sample, steps=1)


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64])
def test_numbers_wanted_may_be_of_any_type(kind: type):
    x = np.random.default_rng(0).normal(size=(B, T, 2))
    y = np.round(np.tanh(x.cumsum(1)) * 2).astype(kind)
    history = ensemble().fit((x, y), steps=3)
    assert history.loss.isfinite().all()
