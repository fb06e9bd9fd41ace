"""What a cell's step may do: cells of one's own that mix, compare, draw or return the
wrong thing.
"""

import operator

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm

from helpers.agreement import built, random_params
from slowpoints import cells, engine
from slowpoints.cells.definition import Cell, cell
from slowpoints.engine import recurrence
from slowpoints.engine.cpu import build
from slowpoints.engine.derivatives.symbols import NotElementwise, Symbol, symbol
from slowpoints.engine.trust import mixes_units

UNITS = 6
needs_compiler = pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")


def stepping(function, **more) -> Cell:
    """Return a cell of one stream `a` with such a step."""
    function.__name__ = "odd"
    return cell(streams=("a",), **more)(function)


@pytest.mark.parametrize("name", cells.names())
def test_no_cell_of_this_project_mixes_units_by_its_step(name):
    assert not mixes_units(built(name), UNITS)


MIXING = {
    "layer norm": lambda p, s: (torch.tanh(layer_norm(p.a, p.a.shape[-1:])) + 0.5 * s.h,),
    "softmax": lambda p, s: (torch.softmax(p.a + s.h, -1),),
    "mean of the state": lambda p, s: (torch.tanh(p.a) + s.h.mean(-1, keepdim=True),),
    "neighbour": lambda p, s: (torch.tanh(p.a) + 0.3 * s.h.roll(1, -1),),
    "sums to the right": lambda p, s: (torch.tanh(p.a.flip(-1).cumsum(-1).flip(-1)),),
    "upper half": lambda p, s: (
        torch.cat([torch.tanh(p.a[..., :3]), torch.softmax(p.a[..., 3:], -1)], -1),
    ),
    "largest": lambda p, s: (torch.tanh(p.a) - 0.1 * s.h.amax(-1, keepdim=True),),
}


@pytest.mark.parametrize("step", MIXING.values(), ids=MIXING)
def test_a_step_that_mixes_units_has_a_true_jacobian(step):
    net = engine.Network(stepping(step), 3, 1, UNITS)
    params = {key: value.detach().double() for key, value in random_params(net, runs=2).items()}
    x, h = (
        torch.zeros(2, 3).double(),
        torch.randn(2, 4, UNITS, generator=torch.Generator().manual_seed(0)).double(),
    )
    F = engine.state_map(net, params, x)
    step_size = 1e-6
    columns = [
        (F(h + step_size * e) - F(h - step_size * e)) / (2 * step_size)
        for e in torch.eye(UNITS).double()
    ]
    torch.testing.assert_close(
        engine.state_jacobian(net, params, x)(h), torch.stack(columns, -1), rtol=1e-6, atol=1e-8
    )
    assert engine.state_curvature(net, params, x) is None


REFUSED = {
    "networks": (lambda p, s: (torch.tanh(p.a) * p.a.mean(),), "mixes networks of a stack"),
    "largest of all": (lambda p, s: (p.a / p.a.abs().max(),), "mixes networks of a stack"),
    "next network": (lambda p, s: (torch.tanh(p.a) + s.h.roll(1, 0),), "mixes networks of a stack"),
    "sums over networks": (
        lambda p, s: (torch.tanh(p.a.flip(0).cumsum(0).flip(0)),),
        "mixes networks of a stack",
    ),
    "number of networks": (lambda p, s: (torch.tanh(p.a) / len(p.a),), "mixes networks of a stack"),
    "sums over sequences": (
        lambda p, s: (torch.tanh(p.a.flip(1).cumsum(1).flip(1)),),
        "mixes sequences of a batch",
    ),
    "sequences": (
        lambda p, s: (torch.tanh(p.a - p.a.mean(1, keepdim=True)),),
        "mixes sequences of a batch",
    ),
    "noise": (lambda p, s: (torch.tanh(p.a) + torch.randn_like(s.h),), "draw nothing in it"),
    "no tuple": (lambda p, s: torch.tanh(p.a), r"returns Tensor; return a tuple of 1: \(h,\)"),
    "two for one": (lambda p, s: (p.a, p.a), r"returns 2 values; return a tuple of 1: \(h,\)"),
    "shape": (lambda p, s: (p.a[..., :2],), r"turns \[M, B, H\] = \[2, 3, 6\] into \[2, 3, 2\]"),
    "in place": (
        lambda p, s: (torch.tanh(p.a) + s.h.mul_(0.5),),
        "changes streams or states in place",
    ),
    "number": (lambda p, s: (1.0,), "into float"),
}


@pytest.mark.parametrize(("step", "message"), REFUSED.values(), ids=REFUSED)
def test_a_step_under_which_a_network_is_not_alone_is_refused(step, message):
    net = engine.Network(stepping(step), 3, 1, UNITS)
    with pytest.raises(ValueError, match=f"cell odd: .*{message}"):
        engine.unroll(net, random_params(net, runs=2), torch.zeros(2, 4, 5, 3))


def test_a_cell_is_tried_also_where_no_gradients_are_kept():
    for name in ("gru", "lstm"):
        recurrence._agrees.cache_clear()
        mixes_units.cache_clear()
        net = engine.Network(built(name), 3, 1, UNITS)
        params = {key: value.detach() for key, value in random_params(net, runs=2).items()}
        x = torch.randn(2, 4, 5, 3, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            found, _ = engine.unroll(net, params, x)
        assert torch.equal(found.clone(), engine.unroll(net, params, x)[0])


def test_a_state_that_is_set_to_a_constant_has_derivative_zero():
    fixed = cell(streams=("a",), states=("h", "c"))(
        lambda p, s: (torch.tanh(p.a) + s.c, torch.ones_like(s.c))
    )
    net = engine.Network(fixed, 3, 1, UNITS)
    params = {key: value.detach().double() for key, value in random_params(net, runs=2).items()}
    h = torch.randn(2, 4, 2 * UNITS, generator=torch.Generator().manual_seed(0)).double()
    J = engine.state_jacobian(net, params, torch.zeros(2, 3).double())(h)
    assert (J[..., UNITS:, :] == 0).all()
    assert torch.equal(J[..., :UNITS, UNITS:], torch.eye(UNITS).double().expand(2, 4, UNITS, UNITS))


def test_one_state_where_two_are_due_is_named():
    lazy = cell(streams=("a",), states=("h", "c"))(lambda p, s: (torch.tanh(p.a) + s.c,))
    net = engine.Network(lazy, 3, 1, UNITS)
    with pytest.raises(ValueError, match=r"returns 1 values; return a tuple of 2: \(h, c,\)"):
        engine.unroll(net, random_params(net, runs=2), torch.zeros(2, 4, 5, 3))


def test_a_measure_that_mixes_units_is_refused():
    mixing = stepping(lambda p, s: (torch.tanh(p.a),), measure=(lambda h: torch.softmax(h, -1),))
    with pytest.raises(ValueError, match="the measure of h must take each number by itself"):
        mixes_units(mixing, UNITS)


def in_place(p, s):
    half = p.a.clone()
    half *= 0.5
    return (torch.tanh(p.a) + 0.1 * half,)


UNKNOWN = {
    "unequal": lambda p, s: (torch.tanh(p.a) * (s.h != 0) + 0.1,),
    "where": lambda p, s: (torch.where(p.a > 0, torch.tanh(p.a), s.h),),
    "clamp": lambda p, s: (torch.clamp(p.a, min=-0.5, max=0.5),),
    "maximum": lambda p, s: (torch.maximum(p.a, 0.5 * s.h),),
    "positive": lambda p, s: (torch.tanh(torch.positive(p.a)),),
    "cube": lambda p, s: (torch.tanh(p.a) ** 3,),
    "root": lambda p, s: (torch.tanh(p.a).abs() ** 0.5,),
    "what it is": lambda p, s: (torch.tanh(p.a if isinstance(p.a, torch.Tensor) else 3 * p.a),),
    "in place": in_place,
}


@needs_compiler
@pytest.mark.parametrize("step", UNKNOWN.values(), ids=UNKNOWN)
def test_what_the_kernel_does_not_know_runs_in_the_loop_with_one_line(step, caplog):
    recurrence._agrees.cache_clear()
    net = engine.Network(stepping(step), 3, 1, UNITS)
    params = random_params(net, runs=2)
    x = torch.randn(2, 4, 5, 3, generator=torch.Generator().manual_seed(2))
    with caplog.at_level("INFO", logger="slowpoints"):
        found, _ = engine.unroll(net, params, x)
        engine.unroll(net, params, x)
    expected, _ = engine.unroll(
        net, {key: value.double() for key, value in params.items()}, x.double()
    )
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    assert len([line for line in caplog.messages if line.startswith("cell odd")]) == 1
    assert engine.engine_of(net, torch.device("cpu")) == "eager"


@needs_compiler
def test_a_square_is_known_to_the_kernel():
    net = engine.Network(stepping(lambda p, s: (torch.tanh(p.a) ** 2,)), 3, 1, UNITS)
    assert engine.engine_of(net, torch.device("cpu")).startswith("compiled")


@needs_compiler
@pytest.mark.parametrize("name", cells.names())
def test_trying_a_cell_draws_no_random_number(name):
    recurrence._agrees.cache_clear()
    mixes_units.cache_clear()
    net, before = engine.Network(built(name), 3, 1, UNITS), torch.get_rng_state()
    engine.unroll(net, random_params(net, runs=2), torch.zeros(2, 4, 5, 3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "question",
    [
        bool,
        float,
        int,
        len,
        iter,
        list,
        np.tanh,
        round,
        operator.invert,
        lambda a: a[0],
        lambda a: a == a,
        lambda a: a < 1,
        lambda a: a >= 1,
        lambda a: a % 2,
        lambda a: a // 2,
        lambda a: a @ a,
        lambda a: a and a,
        lambda a: 2**a,
        lambda a: a.mean(),
        lambda a: a.shape,
        lambda a: max(a, 0),
        lambda a: a + float("nan"),
        lambda a: a + torch.ones(3),
    ],
)
def test_a_symbol_refuses_what_only_a_tensor_can_answer(question):
    with pytest.raises(NotElementwise):
        question(symbol("a"))


def test_symbols_are_told_apart_by_what_they_are():
    assert isinstance(symbol("a"), Symbol)
    assert symbol("a") is symbol("a")
    assert len({symbol("a"), symbol("b"), symbol("a")}) == 2
