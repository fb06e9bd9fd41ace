"""Whatever arrays are given: an answer of the right shape, or an error in words; never a crash."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.any_arrays import answer, arrays
from slowpoints.dynamics import basins, collect_states, find_cycles, find_points
from slowpoints.ensemble import Ensemble


def switch(h: Tensor) -> Tensor:
    return torch.tanh(2 * h)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(states=arrays(), n_starts=st.integers(1, 6))
def test_find_points_of_a_function(states: Tensor, n_starts: int):
    found = answer(lambda: find_points(switch, states, n_starts=n_starts, max_iterations=20))
    if found is not None:
        assert found.states.shape == (len(found), states.shape[-1])
        assert found.states.isfinite().all()
        assert (found.fixed.speed <= 1e-10).all()
        assert not found.states.requires_grad


@settings(max_examples=60, deadline=None, derandomize=True)
@given(states=arrays(), inputs=st.none() | arrays(2))
def test_find_points_of_a_module(states: Tensor, inputs: Tensor | None):
    torch.manual_seed(0)
    module = nn.GRU(2, 3)
    found = answer(lambda: find_points(module, states, inputs=inputs, max_iterations=20))
    if found is not None:
        assert found.states.shape[1] == 3
        assert found.eigenvalues.isfinite().all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=arrays(3), points=arrays(3))
def test_basins(start: Tensor, points: Tensor):
    found = answer(lambda: basins(switch, start, points, radius=0.1))
    if found is not None:
        assert found.shape == start.shape[:1]
        assert ((found >= -1) & (found < max(1, len(points)))).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=arrays(3), period=st.integers(-1, 4))
def test_find_cycles(start: Tensor, period: int):
    found = answer(
        lambda: find_cycles(switch, start, period=period, radius=1e-3, max_iterations=20)
    )
    if found is not None:
        assert found.states.shape[1:] == (period, start.shape[-1])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(inputs=arrays(), cell=st.booleans())
def test_collect_states(inputs: Tensor, cell: bool):
    module = nn.LSTMCell(2, 3) if cell else nn.LSTM(2, 3, batch_first=True)
    found = answer(lambda: collect_states(module, inputs))
    if found is not None:
        assert found.shape == (*inputs.shape[:2], 6)


NETS = Ensemble("gru", n=2, n_in=2, n_out=1, units=3)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(x=arrays(), state=st.none() | arrays())
def test_an_ensemble(x: Tensor, state: Tensor | None):
    found = answer(lambda: NETS(x, state))
    if found is not None:
        n_batch, n_steps = x.shape[-3:-1]
        assert found[0].shape == (2, n_batch, n_steps, 1)
        assert found[1].shape == (2, n_batch, 3)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(x=arrays(), y=arrays(), last=st.none() | st.integers(-1, 5))
def test_training_an_ensemble(x: Tensor, y: Tensor, last: int | None):
    nets = Ensemble("gru", n=2, n_in=2, n_out=1, units=3)
    history = answer(lambda: nets.fit((x, y), steps=1, last=last))
    if history is not None:
        assert history.loss.shape == (1, 2)
