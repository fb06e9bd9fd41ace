"""What is given to the engine from outside: right numbers, or an error in words.

Never another's memory.
"""

import pytest
import torch
from torch import Tensor

from helpers.agreement import built, random_params
from helpers.networks import INITIAL
from slowpoints import engine
from slowpoints.cells.definition import Stream, cell

UNITS = 6
EITHER_ENGINE = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["compiled", "loop"]
)


def made(
    dtype: torch.dtype = torch.float32, name: str = "gru"
) -> tuple[engine.Network, dict[str, Tensor], Tensor]:
    net = engine.Network(built(name), 3, 2, UNITS)
    params = {key: value.detach().to(dtype) for key, value in random_params(net, runs=2).items()}
    return (
        net,
        params,
        torch.randn(2, 4, 5, 3, generator=torch.Generator().manual_seed(1)).to(dtype),
    )


@EITHER_ENGINE
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.new_zeros(2, 4, 5, 50), r"x is \[2, 4, 5, 50\]; expected .* \[2, B, T, 3\]"),
        (lambda x: x[..., :1], r"x is \[2, 4, 5, 1\]"),
        (lambda x: x.new_zeros(5, 4, 5, 3), r"x is \[5, 4, 5, 3\]"),
        (lambda x: x[0], r"x is \[4, 5, 3\]"),
        (lambda x: x[:, :0], "nothing to run"),
        (lambda x: x[:, :, :0], "nothing to run"),
        (lambda x: x.half(), "float16 on cpu, but the parameters are"),
    ],
    ids=["many inputs", "few inputs", "runs", "axes", "no batch", "no steps", "dtype"],
)
def test_an_input_that_does_not_fit_is_refused(dtype, change, message):
    net, params, x = made(dtype)
    with pytest.raises(ValueError, match=message):
        engine.unroll(net, params, change(x))


@EITHER_ENGINE
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("0.R.reset", lambda _: None, "0.R.reset is missing"),
        ("0.W.update", lambda w: w[:, :2], r"0.W.update is \[2, 2, 6\]; expected \[2, 3, 6\]"),
        ("0.b.update", lambda w: w[:1], r"0.b.update is \[1, 6\]; expected \[2, 6\]"),
        ("readout.W", lambda w: w[0], "has no model axis"),
        ("0.b.update", lambda w: w.half(), "0.b.update is torch.float16 on cpu"),
    ],
    ids=["missing", "shape", "runs", "no runs", "dtype"],
)
def test_parameters_that_do_not_fit_are_refused(dtype, name, change, message):
    net, params, x = made(dtype)
    changed = change(params[name])
    params = {key: value for key, value in params.items() if key != name} | (
        {} if changed is None else {name: changed}
    )
    with pytest.raises(ValueError, match=message):
        engine.unroll(net, params, x)
    with pytest.raises(ValueError, match=message):
        engine.state_map(net, params, x[:, 0, 0])


@EITHER_ENGINE
@pytest.mark.parametrize(
    ("states", "message"),
    [
        (((torch.zeros(2, 4, 5),),), r"h is \[2, 4, 5\]"),
        (((torch.zeros(2, 4, 6),) * 2,), r"\[2\] per layer; expected 1 layers of h"),
        (((torch.zeros(2, 4, 6).half(),),), "float16"),
    ],
    ids=["units", "count", "dtype"],
)
def test_states_that_do_not_fit_are_refused(dtype, states, message):
    net, params, x = made(dtype)
    with pytest.raises(ValueError, match=message):
        engine.unroll(net, params, x, states)


@EITHER_ENGINE
@pytest.mark.parametrize("last", [0, 6, -1])
def test_more_outputs_than_steps_are_refused(dtype, last):
    net, params, x = made(dtype)
    with pytest.raises(ValueError, match=r"must lie in 1\.\.5"):
        engine.unroll(net, params, x, last=last)


@pytest.mark.parametrize("n_in", [1, 2, 4, 20])
def test_one_step_and_the_map_of_states_refuse_another_number_of_inputs(n_in):
    net, params, _ = made()
    message = f"an input of {n_in} numbers meets weights for 3"
    with pytest.raises(ValueError, match=message):
        engine.step(
            net,
            engine.prepare(net, params),
            torch.zeros(2, 4, n_in),
            engine.start(net, params, batch=4),
        )
    for derived in (engine.state_map, engine.state_jacobian, engine.state_curvature):
        with pytest.raises(ValueError, match=message):
            derived(net, params, torch.zeros(2, n_in))


@pytest.mark.parametrize("width", [3, 12])
def test_states_of_another_width_are_refused(width):
    net, params, _ = made(torch.float64)
    F = engine.state_map(net, params, torch.zeros(2, 3).double())
    with pytest.raises(
        ValueError,
        match=rf"states are \[2, 4, {width}\]; packed, .* 6 numbers: 1 layers of h, 6 units",
    ):
        F(torch.zeros(2, 4, width).double())


def test_a_read_out_of_another_width_is_refused():
    net, params, _ = made()
    with pytest.raises(ValueError, match=r"y is \[2, 3, 12\]; the network has 6 units"):
        engine.readout(net, params, torch.zeros(2, 3, 12))


def test_views_give_the_numbers_of_what_they_show():
    net, params, x = made()
    expected, _ = engine.unroll(net, params, x)
    spread = {
        key: value.repeat_interleave(2, 1)[:, ::2] if value.dim() == 3 else value
        for key, value in params.items()
    }
    assert not spread["0.W.reset"].is_contiguous()
    assert torch.equal(engine.unroll(net, spread, x)[0], expected)
    turned = x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    torch.testing.assert_close(engine.unroll(net, params, turned)[0], expected)


def test_every_initialisation_has_the_shapes_of_the_network():
    for name in ("gru", "lstm", "lru", "minimal_rnn", "intersection_rnn"):
        for sizes in ((3, 2, 24), (24, 2, 3)):
            net = engine.Network(built(name), *sizes, depth=2)
            for kind in ("orthogonal", "normal", "xavier"):
                given = INITIAL | {"input_init": kind, "recurrent_init": kind}
                found = engine.initialise(net, rng=torch.Generator().manual_seed(0), **given)
                assert {key: tuple(value.shape) for key, value in found.items()} == engine.shapes(
                    net
                )


def test_an_orthogonal_matrix_wider_than_high_has_orthonormal_rows():
    net = engine.Network(built("rnn"), 3, 1, 24)
    W = engine.initialise(
        net, rng=torch.Generator().manual_seed(0), **(INITIAL | {"input_init": "orthogonal"})
    )
    rows = next(value for key, value in W.items() if key.startswith("0.W"))
    torch.testing.assert_close(rows @ rows.T, torch.eye(3))


def test_a_stream_that_changes_its_shape_is_refused():
    @cell(streams=("a", Stream("g", through=lambda a: a[..., :1])), projections=("a",))
    def narrow(p, s):
        return (torch.tanh(p.a) * p.g,)

    net = engine.Network(narrow, 3, 1, UNITS)
    with pytest.raises(
        ValueError, match=r"cell narrow: `through` of stream g turns \[2, 3, 6\] into \[2, 3, 1\]"
    ):
        engine.unroll(net, random_params(net, runs=2), torch.zeros(2, 4, 5, 3))
