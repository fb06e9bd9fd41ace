"""An ensemble is a module of torch: what it computes, and what can be taken from it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from slowpoints import cells
from slowpoints.cells.definition import Bundle, cell
from slowpoints.dynamics import jacobian, speed
from slowpoints.ensemble import Ensemble

B, T, IN, OUT, UNITS = 5, 7, 3, 2, 6
X = torch.randn(B, T, IN, generator=torch.Generator().manual_seed(0))


def ensemble(name: str = "gru", **sizes) -> Ensemble:
    return Ensemble(name, **({"n": 4, "n_in": IN, "n_out": OUT, "units": UNITS} | sizes))


@cell(streams=("gate", "value"), keep=("gate",))
def leaky(p: Bundle, s: Bundle) -> tuple[Tensor]:
    keep = torch.sigmoid(p.gate)
    return (keep * s.h + (1 - keep) * torch.tanh(p.value),)


@pytest.mark.parametrize("name", cells.names())
@pytest.mark.parametrize("depth", [1, 2])
def test_a_network_alone_is_the_network_in_company(name: str, depth: int):
    """To the bit, of 32 sequences or a multiple: torch rounds the tail of a tensor differently."""
    nets = ensemble(name, depth=depth, learned_state=True)
    x = torch.randn(32, T, IN, generator=torch.Generator().manual_seed(1))
    outputs, state = nets(x)
    assert outputs.shape == (4, 32, T, OUT)
    for index in (0, 3):
        alone, own = nets[index](x)
        assert torch.equal(alone[0], outputs[index])
        assert torch.equal(own[0], state[index])
    assert not torch.equal(outputs[0], outputs[1])


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_it_goes_on_from_a_state_and_keeps_all_of_them(name: str):
    nets = ensemble(name, depth=2)
    outputs, state = nets(X)
    first, between = nets(X[:, :3])
    rest, last = nets(X[:, 3:], between)
    torch.testing.assert_close(torch.cat([first, rest], 2), outputs)
    torch.testing.assert_close(last, state)
    states = nets.collect_states(X)
    assert states.shape == (4, B, T, 2 * UNITS * (2 if name == "lstm" else 1))
    torch.testing.assert_close(states[:, :, -1], state, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(states[:, :, 2], between, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(nets(X, last=2)[0], outputs[:, :, -2:])


def test_a_seed_draws_a_network_whatever_the_others():
    few, many = ensemble(seed=3), ensemble(seed=3, n=9)
    for name, value in few.params.items():
        assert torch.equal(value, many.params[name][:4])
    assert not torch.equal(few.params["readout.W"], ensemble(seed=4).params["readout.W"])


def test_initial_settings_are_those_of_the_engine():
    plain, kept = ensemble(), ensemble(keep_bias=2.0)
    torch.testing.assert_close(kept.params["0.b.update"], plain.params["0.b.update"] + 2)
    with pytest.raises(TypeError, match="unknown keep_bais; known: keep_bias"):
        ensemble(keep_bais=2.0)


def test_any_optimiser_of_torch_trains_it():
    nets = ensemble(leaky)
    optimiser = torch.optim.Adam(nets.parameters(), lr=0.02)
    y = X[..., :OUT].cumsum(1).tanh()
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (nets(X)[0] - y).square().flatten(1).mean(1)
        loss.sum().backward()
        optimiser.step()
        losses.append(loss.detach())
    assert (losses[-1] < 0.5 * losses[0]).all()


def test_its_gradients_are_those_of_the_plain_loop():
    nets = ensemble("lstm")
    twin = ensemble("lstm").double()
    for own in (nets, twin):
        own(X.to(own.params["readout.W"].dtype))[0].square().sum().backward()
    for name, value in nets.params.items():
        torch.testing.assert_close(
            value.grad.double(), twin.params[name].grad, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", ["rnn", "lstm"])
@pytest.mark.parametrize("depth", [1, 3])
def test_torch_has_the_same_network(name: str, depth: int):
    nets = ensemble(name, depth=depth, bias_scale=0.5, keep_bias=1.0 if name == "lstm" else 0.0)
    layer, head = nets[2].to_torch()
    torch.testing.assert_close(head(layer(X)[0]), nets(X)[0][2], rtol=1e-5, atol=1e-6)


def test_torch_has_the_nonlinearity_of_the_cell():
    module = cells.load("rnn")
    relu = Ensemble(
        module.build(module.Settings(activation="relu")), n=1, n_in=IN, n_out=OUT, units=UNITS
    )
    layer, head = relu.to_torch()
    assert isinstance(layer, nn.RNN)
    assert layer.nonlinearity == "relu"
    torch.testing.assert_close(head(layer(X)[0]), relu(X)[0][0], rtol=1e-5, atol=1e-6)


def test_what_torch_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"take one first, as in ensemble\[0\]"):
        ensemble("lstm").to_torch()
    with pytest.raises(ValueError, match="no layer for gru"):
        ensemble("gru")[0].to_torch()
    with pytest.raises(ValueError, match="lstm with a learned state"):
        ensemble("lstm", learned_state=True)[0].to_torch()


def test_a_file_holds_it(tmp_path: Path):
    nets = ensemble("lstm", depth=2)
    nets.save(tmp_path / "nets.pt")
    again = Ensemble.load(tmp_path / "nets.pt")
    assert repr(again) == repr(nets)
    assert torch.equal(again(X)[0], nets(X)[0])


def test_a_file_of_a_cell_of_ones_own_asks_for_it(tmp_path: Path):
    nets = ensemble(leaky)[1:3]
    nets.save(tmp_path / "nets.pt")
    with pytest.raises(ValueError, match="give the cell that these networks were made with"):
        Ensemble.load(tmp_path / "nets.pt")
    with pytest.raises(ValueError, match="networks of cell leaky, not of lstm"):
        Ensemble.load(tmp_path / "nets.pt", cell=ensemble("lstm").network.cell)
    assert torch.equal(Ensemble.load(tmp_path / "nets.pt", cell=leaky)(X)[0], nets(X)[0])


@pytest.mark.parametrize("name", ["gru", "lstm", leaky])
def test_the_points_of_every_network(name: str):
    nets = ensemble(name, n=2)
    states = nets.collect_states(X)
    found = nets.points(states, inputs=torch.ones(IN), margin=3.0)
    assert len(found) == 2
    for index, points in enumerate(found):
        F = nets.map(index, torch.ones(IN))
        assert len(points.fixed)
        assert float(speed(F, points.fixed.states).max()) < 1e-9
        J = jacobian(F, points.states)
        torch.testing.assert_close(
            torch.linalg.eigvals(J).abs().amax(-1), points.eigenvalues.abs()[:, 0]
        )
        x = torch.ones(1, 1, 1, IN)
        one = nets[index].double()
        after = one(x.double(), points.fixed.states[None, :1])[1][0]
        torch.testing.assert_close(after, points.fixed.states[:1], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ensemble(n=0), "at least one network"),
        (lambda: ensemble()[4:], "no network chosen of 4"),
        (lambda: ensemble(units=0), "units = 0"),
        (lambda: ensemble()(X[0]), r"x is \[7, 3\]"),
        (lambda: ensemble()(X[..., :2]), r"x is \[4, 5, 7, 2\]"),
        (lambda: ensemble()(X, torch.zeros(4, B, 5)), "states are"),
        (lambda: ensemble()(X, torch.zeros(3, B, UNITS)), "expected"),
        (lambda: ensemble().collect_states(X[..., :2]), r"x is \[4, 5, 7, 2\]"),
        (lambda: ensemble().collect_states(X, torch.zeros(4, 1, UNITS)), "expected"),
        (lambda: ensemble().points(torch.zeros(3, 5, UNITS)), "give those of 4 networks"),
        (lambda: ensemble().map(0, torch.zeros(2)), "give 3 numbers"),
    ],
)
def test_what_does_not_fit_is_refused(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_step_that_mixes_networks_is_refused():
    @cell(streams=("value",))
    def mixes(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (torch.tanh(p.value - p.value.mean()),)

    with pytest.raises(ValueError, match="mixes"):
        ensemble(mixes)
