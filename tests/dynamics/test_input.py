"""What users give the search that it cannot take as it is.

Right numbers, or words that say what would be right.
"""

import math
import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from slowpoints.dynamics import (
    FIXED,
    OPEN,
    Expected,
    find_slow_points,
    jacobian,
    merge_duplicates,
    midpoints,
    module_map,
)

H = 4


def half(h: Tensor) -> Tensor:
    return 0.5 * h


def starts(n: int = 4, size: int = 2) -> Tensor:
    return torch.randn(n, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def central_differences(F, h: Tensor, step: float = 1e-6) -> Tensor:
    columns = [
        (F(h + step * e) - F(h - step * e)) / (2 * step)
        for e in torch.eye(h.shape[-1], dtype=h.dtype)
    ]
    return torch.stack(columns, -1)


class Leaky(nn.RNNCell):
    def forward(self, x, h):
        return 0.9 * h + 0.1 * super().forward(x, h)


def hooked() -> nn.Module:
    cell = nn.GRUCell(1, H)
    cell.register_forward_hook(lambda module, given, new: 0.5 * new)
    return cell


def normed() -> nn.Module:
    return parametrizations.weight_norm(nn.GRUCell(1, H), "weight_hh")


@pytest.mark.parametrize(
    "make", [lambda: Leaky(1, H), hooked, normed], ids=["leaky", "hook", "norm"]
)
def test_a_cell_that_is_not_quite_torchs_own_has_the_jacobian_of_what_it_computes(make):
    torch.manual_seed(0)
    F, h = module_map(make(), torch.zeros(1)), starts(3, H)
    assert F.exact is None
    torch.testing.assert_close(jacobian(F, h), central_differences(F, h), rtol=1e-6, atol=1e-8)


def test_a_leaky_cell_at_rest_has_its_leak_on_the_diagonal():
    torch.manual_seed(0)
    cell = Leaky(1, H)
    h = torch.zeros(1, H, dtype=torch.float64)
    F = module_map(cell, torch.zeros(1))
    b = (cell.bias_ih + cell.bias_hh).double()
    expected = 0.9 * torch.eye(H) + 0.1 * (1 - b.tanh() ** 2)[:, None] * cell.weight_hh.double()
    torch.testing.assert_close(jacobian(F, h)[0], expected.detach())


def test_weights_that_are_computed_from_others_in_the_old_way_are_refused():
    with pytest.warns(FutureWarning, match="weight_norm"):
        module = nn.utils.weight_norm(nn.GRU(1, H), "weight_hh_l0")
    with pytest.raises(TypeError, match=re.escape("parametrizations.weight_norm")):
        module_map(module, torch.zeros(1))


def test_a_forward_that_was_replaced_on_the_instance_is_refused():
    cell = nn.RNNCell(1, H)
    cell.forward = lambda x, h: 0.5 * h
    with pytest.raises(TypeError, match="replaced on the instance"):
        module_map(cell, torch.zeros(1))


def test_a_constant_map_has_jacobian_zero_and_its_value_as_fixed_point():
    assert torch.equal(
        jacobian(torch.ones_like, starts()), torch.zeros(4, 2, 2, dtype=torch.float64)
    )
    found = find_slow_points(torch.ones_like, starts())
    assert (found.kind == FIXED).all()
    torch.testing.assert_close(found.point, torch.ones(4, 2, dtype=torch.float64))


def test_constant_maps_under_noise_have_their_mean_as_slowest_state():
    F = Expected([lambda h: torch.full_like(h, 1.0), lambda h: torch.full_like(h, 3.0)])
    torch.testing.assert_close(
        find_slow_points(F, starts()).point, torch.full((4, 2), 2.0, dtype=torch.float64)
    )


@pytest.mark.parametrize(
    "F",
    [
        lambda h: torch.tanh(h).detach(),
        lambda h: torch.from_numpy(np.tanh(h.detach().numpy())),
        torch.no_grad()(torch.tanh),
    ],
    ids=["detach", "numpy", "no_grad"],
)
def test_a_map_that_autograd_cannot_see_through_is_refused_unless_its_derivatives_are_given(F):
    with pytest.raises(ValueError, match="autograd cannot see through this map"):
        jacobian(F, starts())
    with pytest.raises(ValueError, match="autograd cannot see through this map"):
        find_slow_points(F, starts())
    known = {
        "jacobian": lambda h: torch.diag_embed(1 - torch.tanh(h) ** 2),
        "curvature": lambda h, w: torch.diag_embed(
            -2 * w * torch.tanh(h) * (1 - torch.tanh(h) ** 2)
        ),
    }
    assert (find_slow_points(F, starts(), **known).kind == FIXED).all()


def test_a_map_that_is_hidden_in_part_is_refused():
    with pytest.raises(ValueError, match="part of the map is hidden"):
        find_slow_points(
            lambda h: torch.cat([h[..., :1].tanh(), 0.5 * h[..., 1:].detach()], -1), starts()
        )


def test_a_jacobian_of_another_map_is_refused():
    with pytest.raises(ValueError, match="another map's"):
        find_slow_points(
            half, starts(), jacobian=lambda h: torch.eye(2).double().expand(*h.shape, 2)
        )


def test_units_at_rest_on_a_kink_are_no_reason_to_refuse():
    found = find_slow_points(lambda h: 0.5 * h.relu(), torch.zeros(3, 2))
    assert (found.kind == FIXED).all()


def test_single_precision_starts_give_the_verdicts_of_double_precision():
    def F(h: Tensor) -> Tensor:
        return torch.tanh(1.2 * h)

    single, double = (
        find_slow_points(F, starts(32).float()),
        find_slow_points(F, starts(32).float().double()),
    )
    assert single.point.dtype == torch.float64
    assert torch.equal(single.kind, double.kind)
    assert torch.equal(single.point, double.point)


@pytest.mark.parametrize(
    ("F", "message"),
    [
        (lambda h: h @ torch.eye(2), "does not take float64"),
        (lambda h: 0.5 * h.float(), "compute in float64"),
        (lambda h: (h, h), "returns tuple; return one tensor"),
        (lambda h: h[..., :1], r"turns states \[3, 2\] into \[3, 1\]"),
        (nn.Dropout(0.5), "different values for one state"),
    ],
    ids=["float32 weights", "float32 result", "tuple", "shape", "dropout"],
)
def test_a_map_that_is_no_step_in_double_precision_is_refused(F, message):
    with pytest.raises((TypeError, ValueError), match=message):
        find_slow_points(F, starts(3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.ones(3, 2, dtype=torch.int64), "holds torch.int64"),
        (torch.ones(2), r"shape \[2\]; give states \[N, S\]"),
        (np.ones(2), r"shape \[2\]; give states \[N, S\]"),
    ],
    ids=["integers", "one state", "one state of numpy"],
)
def test_starts_that_are_no_states_are_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        find_slow_points(half, given)


def test_numpy_starts_are_taken_and_no_starts_find_nothing():
    assert find_slow_points(half, np.ones((3, 2))).kind.tolist() == [FIXED] * 3
    assert find_slow_points(half, torch.zeros(0, 2)).point.shape == (0, 2)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (1.0, -1.0, "lower 1 is not below upper -1"),
        (
            torch.tensor([0.0, 2.0]),
            torch.tensor([1.0, 1.0]),
            r"lower 2 is not below upper 1 at entry \[0, 1\]",
        ),
        (math.nan, 1.0, "lower nan"),
        (1.0, 1.0, "no room"),
    ],
    ids=["swapped", "swapped in part", "nan", "no room"],
)
def test_a_box_that_holds_nothing_is_refused(lower, upper, message):
    with pytest.raises(ValueError, match=message):
        find_slow_points(half, starts(), lower=lower, upper=upper)


def test_where_the_map_is_not_finite_a_start_stays_open_after_a_step_or_two():
    def F(h: Tensor) -> Tensor:
        return torch.where(h.sum(-1, keepdim=True) > 0, h * math.nan, 0.5 * h)

    found = find_slow_points(F, torch.tensor([[1.0, 1.0], [-1.0, -1.0], [math.nan, 0.0]]))
    assert found.kind[[0, 2]].tolist() == [OPEN, OPEN]
    assert (found.n_iterations[[0, 2]] <= 2).all()


def test_results_have_no_graph_though_starts_and_weights_have_one():
    cell = nn.GRUCell(1, 2).double()

    def F(h: Tensor) -> Tensor:
        return cell(h.new_zeros(*h.shape[:-1], 1), h)

    found = find_slow_points(F, starts().requires_grad_())
    assert not any(field.requires_grad for field in found)
    gru = nn.GRU(1, H)
    M = module_map(gru, torch.zeros(1))
    assert not M.pack(gru(torch.zeros(3, 5, 1))[1]).requires_grad


def test_points_of_several_networks_are_never_merged():
    points = torch.tensor([[[0.0], [0.0], [1.0]], [[1.0], [0.0], [1.0]]])
    assert merge_duplicates(points, radius=0.1).tolist() == [[0, 0, 2], [0, 1, 0]]
    assert midpoints(points).tolist() == [[[0.0], [0.5], [0.5]], [[0.5], [1.0], [0.5]]]


def test_no_points_and_a_negative_radius():
    assert merge_duplicates(torch.zeros(0, 2), radius=0.1).tolist() == []
    assert midpoints(torch.zeros(1, 2)).shape == (0, 2)
    with pytest.raises(ValueError, match="radius is -1"):
        merge_duplicates(torch.zeros(2, 2), radius=-1)


@pytest.mark.parametrize(
    ("kind", "state", "message"),
    [
        (
            nn.GRU,
            torch.zeros(5, 7, H),
            r"shape \[5, 7, 4\]; expected \[1, N, 4\].*output.flatten\(0, 1\)",
        ),
        (nn.GRU, torch.zeros(1, 5, H + 1), r"expected \[1, N, 4\]"),
        (nn.GRU, (torch.zeros(1, 5, H),) * 2, "2 tensors given; GRU has one tensor"),
        (nn.LSTM, torch.zeros(1, 5, H), r"1 tensors given; LSTM has a pair \(h, c\)"),
        (nn.LSTM, (torch.zeros(1, 5, H), torch.zeros(1, 4, H)), "differ in shape"),
    ],
    ids=["outputs over time", "width", "a pair", "h alone", "unequal"],
)
def test_what_is_no_state_of_the_module_is_not_packed(kind, state, message):
    with pytest.raises(ValueError, match=message):
        module_map(kind(1, H), torch.zeros(1)).pack(state)


def test_states_of_another_width_or_with_more_axes_are_refused():
    F = module_map(nn.GRU(1, H), torch.zeros(1))
    with pytest.raises(ValueError, match="have 4 numbers each"):
        F(torch.zeros(3, H + 1).double())
    with pytest.raises(ValueError, match=r"takes \[N, S\]"):
        F(torch.zeros(2, 3, H).double())


def test_a_box_needs_finite_states_that_differ():
    F = module_map(nn.GRU(1, 2), torch.zeros(1))
    with pytest.raises(ValueError, match="1 of 2 states are not finite, the first in row 1"):
        F.box(torch.tensor([[0.0, 1.0], [math.nan, 1.0]]))
    with pytest.raises(ValueError, match="all 3 states are equal"):
        F.box(torch.ones(3, 2))


def test_a_unit_that_never_moved_gets_the_mean_room():
    F = module_map(nn.GRU(1, 2), torch.zeros(1))
    lower, upper = F.box(torch.tensor([[0.0, 3.0], [2.0, 3.0]]), margin=0.5)
    assert (lower.tolist(), upper.tolist()) == ([-1.0, 2.5], [3.0, 3.5])
