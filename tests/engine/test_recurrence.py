import pytest
import torch

from helpers.networks import network, normal, parameters
from slowpoints import cells, engine

EVERY_CELL = pytest.mark.parametrize("name", cells.names())


def loss_and_gradients(net, P, x):
    y, _ = engine.unroll(net, P, x)
    loss = engine.readout(net, P, y).square().mean((1, 2, 3))
    return y, loss, torch.autograd.grad(loss.sum(), list(P.values()))


@EVERY_CELL
@pytest.mark.parametrize(("units", "n_in", "depth"), [(2, 1, 1), (7, 3, 2), (16, 5, 1), (37, 3, 1)])
def test_a_run_alone_equals_the_run_in_company_to_the_bit(name, units, n_in, depth):
    net = network(name, n_in=n_in, n_out=3, units=units, depth=depth)
    P = parameters(net, n_runs=5, dtype=torch.float32)
    x = normal(5, 32, 4, n_in, dtype=torch.float32)
    together = loss_and_gradients(net, P, x)
    for run in (0, 3):
        own = {
            key: value[run : run + 1].detach().clone().requires_grad_() for key, value in P.items()
        }
        alone = loss_and_gradients(net, own, x[run : run + 1].clone())
        assert torch.equal(alone[0][0], together[0][run])
        assert torch.equal(alone[1][0], together[1][run])
        for key, one, many in zip(P, alone[2], together[2], strict=True):
            assert torch.equal(one[0], many[run]), key


@EVERY_CELL
@pytest.mark.parametrize("depth", [1, 2])
def test_the_unroll_is_the_iterated_step(name, depth):
    net = network(name, depth=depth)
    P, x = parameters(net, n_runs=2), normal(2, 5, 6, 2)
    y, final = engine.unroll(net, P, x)
    prepared, states = engine.prepare(net, P), engine.start(net, P, batch=5)
    for t in range(6):
        now, states = engine.step(net, prepared, x[:, :, t], states)
        torch.testing.assert_close(now, y[:, :, t], rtol=0, atol=1e-14)
    torch.testing.assert_close(engine.pack(states), engine.pack(final), rtol=0, atol=1e-14)


@EVERY_CELL
def test_a_sequence_can_be_cut_and_continued(name):
    net = network(name, depth=2)
    P, x = parameters(net, n_runs=2), normal(2, 5, 6, 2)
    y, final = engine.unroll(net, P, x)
    first, states = engine.unroll(net, P, x[:, :, :4])
    second, states = engine.unroll(net, P, x[:, :, 4:], states)
    torch.testing.assert_close(torch.cat([first, second], 2), y, rtol=0, atol=1e-14)
    torch.testing.assert_close(engine.pack(states), engine.pack(final), rtol=0, atol=1e-14)


@EVERY_CELL
@pytest.mark.parametrize("last", [1, 3])
def test_the_last_outputs_are_the_end_of_all_outputs(name, last):
    net = network(name, depth=2)
    P, x = parameters(net, n_runs=2), normal(2, 5, 6, 2)
    every, _ = engine.unroll(net, P, x)
    some, _ = engine.unroll(net, P, x, last=last)
    torch.testing.assert_close(some, every[:, :, -last:], rtol=0, atol=1e-14)


@EVERY_CELL
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (3, 5, 2, 3, 7)], ids=str)
def test_odd_sizes_keep_their_axes(name, sizes):
    n_runs, n_batch, n_steps, n_in, units = sizes
    net = network(name, n_in=n_in, n_out=1, units=units, depth=2)
    P = parameters(net, n_runs=n_runs)
    y, states = engine.unroll(net, P, normal(n_runs, n_batch, n_steps, n_in))
    assert y.shape == (n_runs, n_batch, n_steps, units)
    assert engine.readout(net, P, y).shape == (n_runs, n_batch, n_steps, 1)
    assert engine.readout(net, P, y[:, :, -1]).shape == (n_runs, n_batch, 1)
    assert engine.pack(states).shape == (n_runs, n_batch, 2 * len(net.cell.states) * units)


@EVERY_CELL
def test_gradients_pass_the_finite_difference_check(name):
    net = network(name, units=2)
    P, x = parameters(net, n_runs=2), normal(2, 2, 3, 2).requires_grad_()

    def outputs(x, *values):
        Q = dict(zip(P, values, strict=True))
        return engine.readout(net, Q, engine.unroll(net, Q, x)[0])

    assert torch.autograd.gradcheck(outputs, (x, *P.values()))


@EVERY_CELL
@pytest.mark.parametrize("learned_state", [False, True])
def test_the_start_is_zero_or_what_was_learned(name, learned_state):
    net = network(name, learned_state=learned_state, depth=2)
    P = parameters(net, n_runs=3)
    for layer, states in enumerate(engine.start(net, P, batch=4)):
        for state, value in zip(net.cell.states, states, strict=True):
            learned = P[f"{layer}.init.{state}"] if learned_state else torch.zeros(3, 3)
            assert torch.equal(value, learned[:, None].expand(3, 4, 3).to(value.dtype))


@EVERY_CELL
def test_nothing_given_is_altered(name):
    net = network(name)
    P, x = parameters(net, n_runs=2), normal(2, 3, 4, 2)
    states = engine.start(net, P, batch=3)
    before = (
        {key: value.detach().clone() for key, value in P.items()},
        x.clone(),
        engine.pack(states).clone(),
    )
    engine.unroll(net, P, x, states)
    assert all(torch.equal(value, before[0][key]) for key, value in P.items())
    assert torch.equal(x, before[1])
    assert torch.equal(engine.pack(states), before[2])


TORCH = {
    "rnn": (torch.nn.RNN, ("state",)),
    "lstm": (torch.nn.LSTM, ("input", "forget", "candidate", "output")),
}


@pytest.mark.parametrize("name", TORCH)
def test_torch_agrees_in_values_and_gradients(name):
    layer, streams = TORCH[name]
    net = network(name, units=4, learned_state=False)
    P, x = parameters(net, n_runs=1), normal(1, 5, 6, 2)
    peer = layer(2, 4, batch_first=True, dtype=torch.float64)
    fused = {
        kind: torch.cat([P[f"0.{kind}.{s}"][0] for s in streams], -1).detach() for kind in "WRb"
    }
    peer.load_state_dict(
        {
            "weight_ih_l0": fused["W"].T,
            "weight_hh_l0": fused["R"].T,
            "bias_ih_l0": fused["b"],
            "bias_hh_l0": torch.zeros_like(fused["b"]),
        }
    )
    y, _ = engine.unroll(net, P, x)
    theirs, _ = peer(x[0])
    torch.testing.assert_close(y[0], theirs, rtol=0, atol=1e-14)
    ours = torch.autograd.grad(y.square().sum(), [P[f"0.{k}.{s}"] for k in "WRb" for s in streams])
    theirs = torch.autograd.grad(theirs.square().sum(), list(peer.parameters())[:3])
    together = [
        torch.cat([g[0] for g in ours[i : i + len(streams)]], -1)
        for i in range(0, len(ours), len(streams))
    ]
    for one, other in zip(together, theirs, strict=True):
        torch.testing.assert_close(one.T if one.ndim == 2 else one, other, rtol=0, atol=1e-12)


def test_the_pru_without_output_map_is_the_ugrnn_to_the_bit():
    pru, ugrnn = network("pru", (("output_map", "identity"),), depth=2), network("ugrnn", depth=2)
    assert engine.shapes(pru) == engine.shapes(ugrnn)
    P, x = parameters(pru, n_runs=2), normal(2, 5, 6, 2)
    for one, other in zip(
        loss_and_gradients(pru, P, x), loss_and_gradients(ugrnn, P, x), strict=True
    ):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b)


def test_states_stay_in_the_unit_box_where_the_equations_say_so():
    net = network("pru", learned_state=False)
    _, states = engine.unroll(net, parameters(net, n_runs=2), 10 * normal(2, 5, 50, 2))
    assert engine.pack(states).abs().max() <= 1
