"""Whatever arrays are given to the parts of a search: an answer of the right shape, or an error in
words; never a crash.
"""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.any_arrays import answer, arrays
from slowpoints import dynamics


def switch(h: Tensor) -> Tensor:
    return torch.tanh(2 * h)


EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


@EXAMPLES
@given(start=arrays(), low=st.sampled_from([-torch.inf, -1.0, 1.0, torch.nan]) | arrays(2))
def test_find_slow_points(start: Tensor, low: Tensor | float):
    found = answer(lambda: dynamics.find_slow_points(switch, start, lower=low, max_iterations=20))
    if found is not None:
        assert found.point.shape == start.shape
        assert found.kind.shape == start.shape[:-1]
        is_lost = ~start.isfinite().all(-1)
        assert (found.kind[is_lost] == dynamics.OPEN).all()


@EXAMPLES
@given(h=arrays())
def test_derivatives(h: Tensor):
    found = answer(lambda: dynamics.jacobian(switch, h))
    if found is not None:
        assert found.shape == (*h.shape, h.shape[-1])
    moved = answer(lambda: dynamics.speed(switch, h))
    if moved is not None:
        assert moved.shape == h.shape[:-1]


@EXAMPLES
@given(points=arrays(), radius=st.sampled_from([0.0, 0.1, -1.0, torch.nan]))
def test_points_put_together(points: Tensor, radius: float):
    label = answer(lambda: dynamics.merge_duplicates(points, radius=radius))
    if label is not None:
        assert label.shape == points.shape[:-1]
    between = answer(lambda: dynamics.midpoints(points))
    if between is not None:
        n = points.shape[-2]
        assert between.shape == (*points.shape[:-2], n * (n - 1) // 2, points.shape[-1])


@EXAMPLES
@given(J=arrays())
def test_spectra(J: Tensor):
    found = answer(lambda: dynamics.modes(J))
    if found is not None:
        assert found[0].shape == J.shape[:-1]


@EXAMPLES
@given(x=arrays(2), h=arrays(3), kind=st.sampled_from([nn.RNN, nn.GRU, nn.LSTM]))
def test_maps_of_modules(x: Tensor, h: Tensor, kind: type[nn.RNNBase]):
    F = answer(lambda: dynamics.module_map(kind(2, 3), x))
    if F is None:
        return
    moved = answer(lambda: F(h))
    if moved is not None:
        assert moved.shape == h.shape
        assert F.input_jacobian(h).shape == (*h.shape, 2)
    packed = answer(lambda: F.pack(h))
    if packed is not None:
        assert packed.shape[-1] == F.width
