"""Whatever arrays are given to the engine: the numbers of the loop, or an error in words."""

from functools import cache

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.agreement import built, random_params
from helpers.any_arrays import answer, arrays
from slowpoints import engine

UNITS, N_IN = 6, 3
NAMES = st.sampled_from(["rnn", "gru", "lstm"])
FITTING = st.sampled_from([(2, 4, 5, N_IN), (2, 1, 1, N_IN), (1, 4, 5, N_IN), (2, 0, 5, N_IN)])


@cache
def made(name: str, dtype: torch.dtype) -> tuple[engine.Network, dict[str, Tensor]]:
    net = engine.Network(built(name), N_IN, 2, UNITS)
    params = {key: value.detach().to(dtype) for key, value in random_params(net, runs=2).items()}
    return net, params


@st.composite
def inputs(draw: st.DrawFn) -> Tensor:
    """Return an input that fits, or any array."""
    if draw(st.booleans()):
        return draw(arrays())
    x = torch.randn(draw(FITTING), generator=torch.Generator().manual_seed(1))
    return x.transpose(0, 1).contiguous().transpose(0, 1) if draw(st.booleans()) else x


@settings(max_examples=50, deadline=None, derandomize=True)
@given(name=NAMES, x=inputs(), last=st.none() | st.integers(-1, 7), silent=st.integers(-1, 3))
def test_unroll(name: str, x: Tensor, last: int | None, silent: int):
    net, params = made(name, torch.float32)
    found = answer(lambda: engine.unroll(net, params, x, last=last, silent=silent))
    if found is not None:
        out, states = found
        same, doubled = made(name, torch.float64)
        wanted, _ = engine.unroll(same, doubled, x.double(), last=last, silent=silent)
        assert out.shape == (2, x.shape[1], last or wanted.shape[2], UNITS)
        torch.testing.assert_close(out.double(), wanted, rtol=1e-5, atol=1e-5, equal_nan=True)
        assert all(state.shape == (2, x.shape[1], UNITS) for layer in states for state in layer)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(name=NAMES, which=st.integers(0, 20), value=st.none() | arrays(3))
def test_unroll_with_any_parameter(name: str, which: int, value: Tensor | None):
    net, params = made(name, torch.float32)
    key = sorted(params)[which % len(params)]
    changed = {own: kept for own, kept in params.items() if own != key}
    if value is not None:
        changed[key] = value
    found = answer(lambda: engine.unroll(net, changed, torch.zeros(2, 4, 5, N_IN)))
    if found is not None:
        assert value is not None
        assert value.shape == params[key].shape


@settings(max_examples=50, deadline=None, derandomize=True)
@given(name=NAMES, x=arrays(3), h=arrays(3))
def test_maps_of_states(name: str, x: Tensor, h: Tensor):
    net, params = made(name, torch.float64)
    for derived in (engine.state_map, engine.state_jacobian):
        found = answer(lambda own=derived: own(net, params, x)(h))
        if found is not None:
            assert found.shape[: h.dim()] == h.shape
            assert found.isfinite().all() or not (h.isfinite().all() and x.isfinite().all())
