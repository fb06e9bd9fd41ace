"""What the search is given: every fault is refused in words or answered rightly."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from slowpoints.dynamics import (
    FIXED,
    OPEN,
    Expected,
    find_slow_points,
    jacobian,
    merge_duplicates,
    modes,
    module_map,
    spectrum,
    speed,
    time_constant,
)
from slowpoints.dynamics.maps import derived_jacobian


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_matrix_that_is_not_finite_has_no_spectrum_and_leaves_the_others_theirs(bad, dtype):
    J = normal(2, 24, 24).to(dtype)
    expected = spectrum(J)
    broken = J.clone()
    broken[0, 3, 4] = bad
    assert spectrum(broken)[0].real.isnan().all()
    assert torch.equal(spectrum(broken)[1], expected[1])
    values, vectors = modes(broken)
    assert values[0].real.isnan().all()
    assert vectors[0].real.isnan().all()
    torch.testing.assert_close(values[1], expected[1])


def test_a_time_constant_is_that_of_the_leading_eigenvalue_in_any_order():
    torch.testing.assert_close(
        time_constant(torch.tensor([0.1, -0.9])), torch.tensor(-1 / math.log(0.9))
    )


def test_no_networks_have_no_duplicates():
    assert merge_duplicates(torch.zeros(0, 3, 2), radius=0.1).shape == (0, 3)


def test_derivatives_that_are_given_may_use_autograd_themselves():
    def F(h: Tensor) -> Tensor:  # a step down an energy
        h = h.detach().requires_grad_()
        return h.detach() - 0.1 * torch.autograd.grad((h**4 - h**2).sum(), h)[0]

    def J(h: Tensor) -> Tensor:
        h = h.detach().requires_grad_()
        step = h - 0.1 * (4 * h**3 - 2 * h)
        return torch.diag_embed(torch.autograd.grad(step.sum(), h)[0])

    bent = lambda h, w: torch.diag_embed(-2.4 * h * w)  # noqa: E731
    found = find_slow_points(F, normal(6, 2), jacobian=J, curvature=bent)
    assert (found.kind == FIXED).all()


def test_results_have_no_graph_although_the_map_has_parameters():
    cell = nn.RNNCell(2, 3).double()
    F = lambda h: cell(h.new_zeros(len(h), 2), h)  # noqa: E731
    h = normal(4, 3)
    found = find_slow_points(F, h, lower=cell.bias_hh - 2, upper=2.0)
    results = [*found, speed(F, h), jacobian(F, h)]
    assert not any(result.requires_grad for result in results)


def test_edges_that_cross_by_a_rounding_are_one_point_and_others_are_refused():
    low = torch.tensor(0.1, dtype=torch.float64)
    high = torch.nextafter(low, torch.tensor(0.0, dtype=torch.float64))
    start = torch.tensor([[0.1, 0.5]], dtype=torch.float64)
    lower, upper = torch.stack([low, -low]), torch.stack([high, low])
    found = find_slow_points(lambda h: 0.5 * h, start, lower=lower, upper=upper)
    torch.testing.assert_close(found.point, torch.tensor([[0.1, 0.0]], dtype=torch.float64))
    with pytest.raises(ValueError, match=r"lower 0.1 is not below upper 0.09"):
        find_slow_points(lambda h: 0.5 * h, start, lower=0.1, upper=0.09)


def test_a_box_of_another_width_is_refused():
    with pytest.raises(
        ValueError, match=r"shapes \[3\] and \[\] do not broadcast over starts \[4, 2\]"
    ):
        find_slow_points(lambda h: 0.5 * h, normal(4, 2), lower=torch.zeros(3), upper=1.0)


def test_a_curvature_that_is_not_finite_ends_the_search_at_once():
    bent = lambda h, w: torch.full((*h.shape, h.shape[-1]), math.nan, dtype=h.dtype)  # noqa: E731
    found = find_slow_points(
        lambda h: h + 1 + h**2, torch.tensor([[0.5], [-0.7]]).double(), curvature=bent
    )
    assert (found.kind == OPEN).all()
    assert found.n_iterations.max() < 20


def test_a_measure_that_mixes_entries_is_refused():
    W = normal(3, 3)
    with pytest.raises(ValueError, match="measure is not pointwise"):
        find_slow_points(lambda h: torch.tanh(h @ W), normal(4, 3), measure=lambda h: h @ W)


@pytest.mark.parametrize("n_starts", [2, 3, 9])
def test_one_input_for_every_start_is_refused_as_rows_and_found_on_an_axis_of_its_own(n_starts):
    x = normal(n_starts, 3, seed=1)
    with pytest.raises(ValueError, match=r"starts|one shape"):
        find_slow_points(lambda h: torch.tanh(0.5 * h + x), torch.zeros(n_starts, 3).double())
    found = find_slow_points(
        lambda h: torch.tanh(0.5 * h + x[:, None]), torch.zeros(n_starts, 1, 3).double()
    )
    assert (found.kind == FIXED).all()
    torch.testing.assert_close(found.point[:, 0], torch.tanh(0.5 * found.point[:, 0] + x))


def test_a_map_in_which_rows_meet_is_refused():
    with pytest.raises(ValueError, match="otherwise alone than among others"):
        find_slow_points(lambda h: torch.tanh(h + 0.3 * h.mean(-2, keepdim=True)), normal(4, 3))


def test_several_networks_without_an_axis_of_their_own_are_refused():
    W = normal(2, 3, 3)
    with pytest.raises(ValueError, match=r"give several networks starts \[R, 3, 3\]"):
        find_slow_points(lambda h: torch.tanh(h @ W), normal(4, 3))


@pytest.mark.parametrize("use", [speed, jacobian])
def test_what_is_no_step_of_states_is_refused_by_name(use):
    with pytest.raises(TypeError, match="returns tuple"):
        use(lambda h: (h, h), normal(4, 3))
    with pytest.raises(ValueError, match=r"states \[4, 3\] into \[3\]"):
        use(lambda h: h.mean(0), normal(4, 3))


def test_expected_maps_have_derivatives_for_each_or_for_none():
    F = lambda h: 0.5 * h  # noqa: E731
    with pytest.raises(ValueError, match="3 maps, 1 jacobians"):
        Expected([F, F, F], [F])
    with pytest.raises(ValueError, match="at least one map"):
        Expected([])


def test_own_derivatives_that_are_not_those_of_the_step_are_not_used(monkeypatch):
    whole = nn.GRUCell.forward
    monkeypatch.setattr(nn.GRUCell, "forward", lambda self, x, h: 0.5 * whole(self, x, h))
    F, h = module_map(nn.GRUCell(2, 4), torch.zeros(2)), normal(3, 4)
    assert torch.equal(jacobian(F, h), derived_jacobian(F, h))


def test_arrays_are_packed_as_tensors_are():
    F = module_map(nn.GRU(2, 3), np.zeros(2))
    states = np.arange(15.0).reshape(1, 5, 3)
    assert torch.equal(F.pack(states), torch.from_numpy(states[0]))
