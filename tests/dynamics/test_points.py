"""Points in one call: the same as by hand, and right where the answer is known."""

import math
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from helpers.plans import ROOT
from slowpoints.dynamics import (
    FIXED,
    Points,
    collect_states,
    find_points,
    find_slow_points,
    jacobian,
    merge_duplicates,
    module_map,
    spectrum,
)

mpl.use("agg")
LINE = torch.linspace(-1, 1, 41, dtype=torch.float64)[:, None]
HIGH = 0.9575040240772687  # of h = tanh(2 h)


def switch(h: Tensor) -> Tensor:
    return torch.tanh(2 * h)


def gru(units: int = 6, *, scale: float = 1.0) -> nn.GRU:
    torch.manual_seed(0)
    module = nn.GRU(3, units, batch_first=True)
    for weight in module.parameters():
        weight.data *= scale
    return module


def sequences(n: int = 12, steps: int = 9) -> Tensor:
    return torch.randn(n, steps, 3, generator=torch.Generator().manual_seed(2))


def test_the_points_of_a_switch():
    points = find_points(switch, LINE)
    order = points.states[:, 0].argsort()
    expected = torch.tensor([-HIGH, 0.0, HIGH], dtype=torch.float64)
    torch.testing.assert_close(points.states[order, 0], expected, rtol=0, atol=1e-9)
    assert points.n_unstable[order].tolist() == [0, 1, 0]
    assert (points.kind == FIXED).all()
    slope = 2 * (1 - HIGH**2)
    torch.testing.assert_close(
        points.eigenvalues[order, 0].real,
        torch.tensor([slope, 2.0, slope], dtype=torch.float64),
        rtol=1e-9,
        atol=0,
    )
    torch.testing.assert_close(
        points.time_constants[order],
        torch.tensor(
            [-1 / math.log(slope), -1 / math.log(2), -1 / math.log(slope)], dtype=torch.float64
        ),
        rtol=1e-9,
        atol=0,
    )
    assert int(points.count.sum()) >= len(LINE)
    assert len(points.fixed) == 3
    assert len(points.slow) == 0
    assert points.stable.states.abs().min() > 0.9


def test_noise_begins_beside_what_was_visited():
    narrow = torch.tensor([[0.001], [0.002]], dtype=torch.float64)
    seen = find_points(switch, narrow, margin=2000.0, noise=1.0, n_starts=2, seed=1)
    assert int((seen.states.abs() > 0.5).sum()) >= 1
    again = find_points(switch, narrow, margin=2000.0, noise=1.0, n_starts=2, seed=1)
    assert torch.equal(seen.states, again.states)


def test_the_saddle_is_found_from_between():
    points = find_points(switch, torch.cat([LINE[:5], LINE[-5:]]))
    assert points.n_unstable.sort().values.tolist() == [0, 0, 1]


def test_one_call_is_what_its_parts_give():
    module, x = gru(), torch.randn(3, generator=torch.Generator().manual_seed(5))
    states = collect_states(module, sequences())
    points = find_points(module, states, inputs=x)
    F = module_map(module, x)
    rows = states.flatten(0, 1).double()
    lower, upper = F.box(rows)
    found = find_slow_points(F, rows, lower=lower, upper=upper, measure=F.measure)
    by_hand = found.point[merge_duplicates(found.point, radius=1e-3).unique()]
    assert len(points) == len(by_hand) == 1
    torch.testing.assert_close(points.states, by_hand, rtol=0, atol=1e-9)
    torch.testing.assert_close(
        points.eigenvalues, spectrum(jacobian(F, points.states)), rtol=1e-9, atol=1e-9
    )
    assert "the module is in float32" in repr(points)


def test_contexts_are_searched_one_by_one():
    module, states = gru(), collect_states(gru(), sequences())
    x = torch.tensor([[0.0, 0.0, 0.0], [2.0, -1.0, 0.0]])
    both = find_points(module, states, inputs=x)
    assert both.context.tolist() == [0, 1]
    for context in range(2):
        alone = find_points(module, states, inputs=x[context])
        torch.testing.assert_close(
            both[both.context == context].states, alone.states, rtol=0, atol=1e-9
        )
    assert (both.states[0] - both.states[1]).norm() > 0.1


def test_numpy_is_taken_and_one_seed_gives_one_answer():
    ours = find_points(switch, LINE.numpy(), n_starts=10, seed=3)
    again = find_points(switch, LINE, n_starts=10, seed=3)
    assert torch.equal(ours.states, again.states)
    assert torch.equal(ours.count, again.count)


class Step(nn.Module):
    """A step of one's own, in single precision, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1, bias=False)
        self.linear.weight.data.fill_(2.0)
        self.dropout = nn.Dropout(0.5)

    def forward(self, h: Tensor) -> Tensor:
        return torch.tanh(self.dropout(self.linear(h)))


def test_a_module_of_ones_own_is_searched_as_a_copy_in_float64():
    module = Step().train()
    points = find_points(module, LINE)
    assert len(points) == 3
    assert "float32" in points.notes[0]
    assert module.training
    assert module.linear.weight.dtype == torch.float32


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = nn.Sequential(nn.Identity(), gru())


def test_a_wrapper_is_told_what_to_give():
    with pytest.raises(TypeError, match=r"give model\.core\.1 and its states"):
        find_points(Wrapper(), LINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": torch.zeros(3)}, "one function for each input"),
        ({"states": LINE[:0]}, "at least one"),
        ({"n_starts": 0}, "n_starts is 0"),
        ({"n_starts": -1}, "n_starts is -1"),
        ({"noise": math.nan}, "noise nan"),
        ({"noise": -0.1}, "noise -0.1"),
        ({"states": torch.full((3, 1), torch.nan)}, "not finite"),
        ({"states": torch.ones(3, 1)}, "all 3 states are equal"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        find_points(switch, arguments.pop("states", LINE), **arguments)


def test_a_part_that_autograd_does_not_see_is_refused_also_where_newton_would_arrive():
    with pytest.raises(ValueError, match="differs from differences of the map"):
        find_points(lambda h: torch.tanh(h + h.detach()), LINE)
    with pytest.raises(ValueError, match="autograd cannot see through this map"):
        find_points(lambda h: torch.tanh(2 * h.detach()), LINE)


def test_no_inputs_and_other_widths_are_refused():
    states = collect_states(gru(), sequences())
    with pytest.raises(ValueError, match=r"\[0, 3\]; give at least one"):
        find_points(gru(), states, inputs=torch.zeros(0, 3))
    with pytest.raises(ValueError, match="expected \\[1, N, 6\\]"):
        find_points(gru(), states[..., :4])
    with pytest.raises(TypeError, match="takes no step"):
        find_points("gru", states)


def ring(h: Tensor) -> Tensor:
    """Every state of length one stays."""
    return h * (1 + 0.5 * (1 - h.norm(dim=-1, keepdim=True)))


def test_a_ring_of_fixed_points_is_called_one():
    angle = torch.linspace(0, 6.2, 120, dtype=torch.float64)
    states = torch.stack([angle.cos(), angle.sin()], -1) * (0.5 + angle[:, None] / 6)
    points = find_points(ring, states)
    assert "continuous attractor" in repr(points)
    on_it = points[(points.states.norm(dim=-1) - 1).abs() < 1e-6]
    assert len(on_it) > 50
    assert int(on_it.n_unstable.max()) == 0, "a direction that only stays is not unstable"
    assert "continuous attractor" not in repr(find_points(switch, LINE))


def test_searches_that_leave_the_range_are_counted_and_no_points():
    half = torch.linspace(-0.3, -0.1, 21, dtype=torch.float64)[:, None]
    stopped = find_points(switch, half, margin=0.1)
    assert (len(stopped), stopped.n_left, stopped.n_open) == (0, 21, 0)
    assert "21 searches left the range of the states" in repr(stopped)
    wide = find_points(switch, half, margin=5.0)
    assert len(wide.fixed) == len(wide) > 0
    assert wide.n_left == 0
    assert "left" not in repr(wide)


def test_unbounded_states_are_not_chased():
    """Beyond one the state doubles: it has no point out there, and one between."""
    points = find_points(lambda h: 2 * h, torch.linspace(1, 3, 50, dtype=torch.float64)[:, None])
    assert (len(points), points.n_left) == (1, 0)
    assert points.states.abs().max() < 1e-9
    away = find_points(lambda h: h + 1 + h.square(), LINE + 3)
    assert (len(away), away.n_left) == (0, len(LINE))


def test_rates_of_a_flow_do_not_depend_on_the_step():
    """dh/dt = -h + tanh(2 h) has rates -1 + 2 at the origin."""
    for dt in (0.1, 0.5):
        points = find_points(lambda h, dt=dt: h + dt * (torch.tanh(2 * h) - h), LINE)
        saddle = points[points.n_unstable == 1]
        torch.testing.assert_close(
            saddle.rates(dt).real, torch.ones(1, 1).double(), rtol=0, atol=1e-8
        )
    with pytest.raises(ValueError, match="dt is 0"):
        points.rates(0)


def test_a_file_holds_all_of_it(tmp_path: Path):
    points = find_points(gru(), collect_states(gru(), sequences()))
    points.save(tmp_path / "points.npz")
    again = Points.load(tmp_path / "points.npz")
    assert repr(again) == repr(points)
    assert torch.equal(again.states, points.states)
    assert torch.equal(again.eigenvalues, points.eigenvalues)
    assert again.notes == points.notes
    assert again.n_left == points.n_left


def test_a_table_has_a_row_per_point():
    points = find_points(switch, LINE)
    table = points.to_frame()
    assert table["kind"].tolist() == ["fixed"] * 3
    assert np.allclose(table["time_constant"], points.time_constants)
    assert list(points[:0].to_frame().columns) == list(table.columns)
    assert repr(points[:0]) == "0 points: 0 fixed, 0 slow"


def pair(h: Tensor) -> Tensor:
    """Two switches."""
    return torch.tanh(2 * h)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("trajectories", [True, False])
def test_a_picture_shows_every_point(dimensions: int, trajectories: bool):
    rng = torch.Generator().manual_seed(0)
    states = torch.randn(60, 4, 3, generator=rng, dtype=torch.float64).tanh()
    points = find_points(pair, states)
    assert len(points) == 27
    axes = points.plot(states if trajectories else states.flatten(0, 1), dimensions=dimensions)
    _, labels = axes.get_legend_handles_labels()
    assert labels == ["stable", "unstable"]
    shown = [len(group.get_offsets()) for group in axes.collections if group.get_label() in labels]
    assert shown == [8, 19]
    mpl.pyplot.close(axes.figure)


def test_a_picture_of_spectra():
    points = find_points(switch, LINE)
    axes = points.plot_spectra()
    assert axes.get_xlabel() == "real part"
    assert sum(len(group.get_offsets()) for group in axes.collections) == 3
    mpl.pyplot.close(axes.figure)


def test_pictures_that_cannot_be_drawn_are_refused():
    points = find_points(switch, LINE)
    with pytest.raises(ValueError, match="states of 1 numbers"):
        points.plot(LINE)
    with pytest.raises(ValueError, match="the points have 1 numbers, the states 3"):
        points.plot(torch.zeros(4, 3))


def test_the_page_for_users_of_another_tool_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "from-fixedpointfinder.md").read_text("utf-8")
    _, ours, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space = {"torch": torch, "gru": gru(), "sequences": sequences()}
    exec(ours, space)
    assert str(space["points"]) in capsys.readouterr().out
    assert (tmp_path / "points.npz").is_file()
    mpl.pyplot.close("all")
