"""The convolutional front end: against torch's own modules, its sizes, its gradients, and what
passes it by.
"""

from itertools import pairwise

import pytest
import torch
from torch import nn

from helpers.networks import INITIAL, build, normal
from slowpoints import engine
from slowpoints.engine import Front, Network, count_parameters, see, shapes
from slowpoints.engine import front as front_module

SMALL = Front((2, 9, 7), maps=3, blocks=2, widths=(5, 4))
PAPER = Front((3, 32, 32))


def network(front=SMALL, *, cell="gru", beyond=1, units=3, n_out=2):
    return Network(build(cell), front.n_in + beyond, n_out, units, front=front)


def parameters(net, *, n_runs=2, dtype=torch.float64):
    runs = [
        engine.initialise(net, rng=torch.Generator().manual_seed(i), **INITIAL)
        for i in range(n_runs)
    ]
    return {
        name: torch.stack([run[name] for run in runs]).to(dtype).requires_grad_()
        for name in runs[0]
    }


def sequential(front, params, run):
    """Return the front of one run as torch's own modules."""
    modules, channels = [], front.frame[0]
    for i in range(front.blocks):
        convolution = nn.Conv2d(channels, front.maps, 3, padding="same")
        scale = (channels * front.maps) ** 0.5
        convolution.weight.data = params[f"front.conv{i}.W"][run].detach() / scale
        convolution.bias.data = params[f"front.conv{i}.b"][run].detach() / front.maps**0.5
        modules += [convolution, nn.LeakyReLU(0.2), nn.MaxPool2d(2)]
        channels = front.maps
    modules.append(nn.Flatten())
    for i, (before, after) in enumerate(pairwise(front.full)):
        linear = nn.Linear(before, after)
        linear.weight.data = params[f"front.full{i}.W"][run].detach().T
        linear.bias.data = params[f"front.full{i}.b"][run].detach()
        modules += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*modules)


@pytest.mark.parametrize(
    ("cell", "front", "n_in", "units", "n_parameters"),
    [
        ("gru", None, 785, 200, 593_811),
        ("lstm", None, 785, 200, 791_011),
        ("gru", PAPER, 3073, 512, 10_789_632 + 2_368_011),
        ("lstm", PAPER, 3073, 512, 10_789_632 + 3_155_467),
    ],
    ids=["MNIST GRU", "MNIST LSTM", "CIFAR-10 GRU", "CIFAR-10 LSTM"],
)
def test_the_papers_networks_have_their_number_of_parameters(
    cell, front, n_in, units, n_parameters
):
    assert count_parameters(Network(build(cell), n_in, 11, units, front=front)) == n_parameters


def test_the_papers_front_makes_1024_features_and_the_trigger_passes_it_by():
    net = network(PAPER, units=512, n_out=11)
    assert PAPER.sides == [(32, 32), (16, 16), (8, 8), (4, 4)]
    assert PAPER.full == [2048, 2048, 2048, 1024]
    assert net.n_seen == 1025
    assert next(iter(shapes(net))) == "front.conv0.W"
    assert shapes(net)["front.conv2.W"] == (128, 128, 3, 3)
    assert shapes(net)["0.W.candidate"] == (1025, 512)


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4)], ids=["frames", "sequences"])
def test_what_is_seen_is_what_torchs_modules_make_of_each_frame(shape):
    net, n_runs = network(beyond=2), 2
    params, x = parameters(net, n_runs=n_runs), normal(*shape, SMALL.n_in + 2)
    seen = see(net, params, x)
    assert seen.shape == (*shape, 4 + 2)
    assert torch.equal(seen[..., 4:], x[..., -2:])
    for run in range(n_runs):
        theirs = sequential(SMALL, params, run)(x[run, ..., :-2].reshape(-1, *SMALL.frame))
        torch.testing.assert_close(seen[run, ..., :4], theirs.reshape(*shape[1:], 4))


def test_frames_taken_in_slices_are_the_same(monkeypatch):
    net = network()
    params, x = parameters(net), normal(2, 5, SMALL.n_in + 1)
    whole = see(net, params, x)
    monkeypatch.setattr(front_module, "NUMBERS", {"cpu": 2 * SMALL.n_numbers})
    torch.testing.assert_close(see(net, params, x), whole)


def test_without_a_front_the_input_is_what_is_seen():
    net = Network(build("gru"), 3, 2, 4)
    x = normal(2, 5, 3)
    assert see(net, parameters(net), x) is x
    assert net.n_seen == 3
    assert not [name for name in shapes(net) if name.startswith("front")]


def test_every_parameter_of_the_front_is_trained_and_each_run_has_its_own():
    net = network()
    params, x = parameters(net), normal(2, 8, 6, SMALL.n_in + 1)
    y, _ = engine.unroll(net, params, x)
    own = [name for name in params if name.startswith("front.")]
    grads = torch.autograd.grad(y[0].square().sum(), [params[name] for name in own])
    for name, grad in zip(own, grads, strict=True):
        assert grad[0].abs().max() > 0, name
        assert grad[1].abs().max() == 0, name


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["compiled", "in torch"])
def test_unrolling_sees_first_and_is_step_after_step_of_what_is_seen(cell, dtype):
    net = network(cell=cell)
    params, x = parameters(net, dtype=dtype), normal(2, 5, 4, SMALL.n_in + 1, dtype=dtype)
    y, final = engine.unroll(net, params, x)
    states, prepared = engine.start(net, params, batch=5), engine.prepare(net, params)
    seen = see(net, params, x)
    for t in range(4):
        now, states = engine.step(net, prepared, seen[:, :, t], states)
        torch.testing.assert_close(y[:, :, t], now)
    torch.testing.assert_close(engine.pack(final), engine.pack(states))


def test_silent_steps_show_a_black_frame_to_the_front():
    net = network()
    params, x = parameters(net), normal(2, 5, 3, SMALL.n_in + 1)
    silent, _ = engine.unroll(net, params, x, silent=2)
    shown, _ = engine.unroll(net, params, torch.cat([x, x.new_zeros(2, 5, 2, x.shape[-1])], 2))
    torch.testing.assert_close(silent, shown)


def test_initial_values_are_those_of_the_paper():
    front = Front((3, 16, 16), maps=64, blocks=2, widths=(200, 100))
    params = engine.initialise(network(front), rng=torch.Generator().manual_seed(0), **INITIAL)
    kernel = params["front.conv1.W"]
    assert kernel.abs().max() <= 2
    # of a normal distribution cut at 2
    assert kernel.std().item() == pytest.approx(0.8796, abs=0.01)
    assert (kernel.abs() > 1.9).any()
    assert (params["front.conv0.b"] == 0.1).all()
    assert params["front.full0.W"].std().item() == pytest.approx(1024**-0.5, rel=0.02)
    assert params["front.full1.W"].std().item() == pytest.approx(200**-0.5, rel=0.03)
    assert params["front.full0.b"].std().item() == pytest.approx(0.01, rel=0.2)


def test_the_papers_front_starts_with_small_features_that_hardly_vary():
    """Their root mean square is 0.011 and they vary by 0.0003 between noise images, by the authors'
    initial values.
    """
    net = network(PAPER, units=1)
    params = parameters(net, n_runs=1, dtype=torch.float32)
    with torch.no_grad():
        seen = see(
            net, params, 0.4734 + 0.2517 * normal(1, 32, PAPER.n_in + 1, dtype=torch.float32)
        )[0, :, :-1]
    assert seen.square().mean().sqrt().item() == pytest.approx(0.011, rel=0.05)
    assert seen.std(0).mean().item() == pytest.approx(0.0003, rel=0.2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frame": (1, 7, 8), "blocks": 3}, "3 blocks leave nothing of 7 by 8 pixels"),
        ({"frame": (1, 8, 8), "maps": 0}, "at least 1"),
        ({"frame": (1, 8, 8), "widths": (4, 0)}, "at least 1"),
    ],
)
def test_a_front_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Front(**wrong)


def test_a_network_whose_inputs_are_fewer_than_a_frame_is_refused():
    with pytest.raises(ValueError, match="125 inputs are fewer than the 126 numbers of a frame"):
        network(beyond=-1)


def test_a_budget_counts_the_front():
    of_front = count_parameters(network(units=1)) - count_parameters(
        Network(build("gru"), SMALL.n_out + 1, 2, 1)
    )
    sizes = {"n_in": SMALL.n_in + 1, "n_out": 2, "depth": 1, "learned_state": False}
    units = engine.units_for_budget(build("gru"), **sizes, budget=of_front + 500, front=SMALL)
    counts = [count_parameters(network(units=n)) for n in (units, units + 1)]
    assert counts[0] <= of_front + 500 < counts[1]
