"""Slow points of torch's own recurrent modules.

The map is their step, and what is found moves as little as it says.
"""

import re
from pathlib import Path

import pytest
import torch
from matplotlib import pyplot
from torch import Tensor, nn

from slowpoints.dynamics import FIXED, SLOW, find_slow_points, jacobian, module_map, speed
from slowpoints.dynamics.maps import curvature, derived_curvature, derived_jacobian, identity

README = Path(__file__).resolve().parents[2] / "README.md"
IN, H, N = 3, 5, 4
MODULES = [nn.RNN, nn.GRU, nn.LSTM]
CELLS = [nn.RNNCell, nn.GRUCell, nn.LSTMCell]


def states(n: int, *, layers: int | None, two: bool) -> Tensor | tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    shape = (n, H) if layers is None else (layers, n, H)
    h, c = (torch.randn(*shape, generator=rng) for _ in range(2))
    return (h, c) if two else h


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", MODULES)
def test_the_map_of_a_layer_is_its_step(
    kind: type[nn.RNNBase], layers: int, batch_first: bool
) -> None:
    torch.manual_seed(0)
    module, x = kind(IN, H, num_layers=layers, batch_first=batch_first), torch.randn(IN)
    before = states(N, layers=layers, two=kind is nn.LSTM)
    F = module_map(module, x)
    _, after = module(x.expand(N, 1, IN) if batch_first else x.expand(1, N, IN), before)
    torch.testing.assert_close(F(F.pack(before)), F.pack(after).detach(), rtol=1e-5, atol=1e-6)
    again = F.unpack(F.pack(before))
    assert all(torch.equal(a, b.double()) for a, b in zip(tuple(again), tuple(before), strict=True))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("layers", [1, 2])
def test_projections_have_fewer_numbers_in_h_than_in_c(layers: int) -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(IN, H, num_layers=layers, proj_size=2), torch.randn(IN)
    h, c = torch.randn(layers, N, 2), torch.randn(layers, N, H)
    F = module_map(module, x)
    packed = F.pack((h, c))
    assert packed.shape == (N, layers * (2 + H))
    _, after = module(x.expand(1, N, IN), (h, c))
    torch.testing.assert_close(F(packed), F.pack(after).detach(), rtol=1e-5, atol=1e-6)
    again = F.unpack(packed)
    assert all(torch.equal(a, b.double()) for a, b in zip(again, (h, c), strict=True))


@pytest.mark.parametrize("module", [nn.RNN(IN, H, num_layers=2), nn.GRU(IN, H), nn.LSTMCell(IN, H)])
def test_what_a_change_of_the_input_does(module: nn.Module) -> None:
    x, size = torch.randn(IN), 1e-6
    F = module_map(module, x)
    h = torch.randn(N, F.width, dtype=torch.float64)
    sides = [module_map(module, F.x + sign * size * torch.eye(IN)[1])(h) for sign in (1, -1)]
    expected = (sides[0] - sides[1]) / (2 * size)
    found = F.input_jacobian(h)
    assert found.shape == (N, F.width, IN)
    torch.testing.assert_close(found[..., 1], expected.detach(), rtol=0, atol=1e-8)


@pytest.mark.parametrize("kind", CELLS)
def test_the_map_of_a_cell_is_its_step(kind: type[nn.RNNCellBase]) -> None:
    torch.manual_seed(0)
    module, x = kind(IN, H), torch.randn(IN)
    before = states(N, layers=None, two=kind is nn.LSTMCell)
    F = module_map(module, x)
    torch.testing.assert_close(
        F(F.pack(before)), F.pack(module(x.expand(N, IN), before)).detach(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", MODULES)
def test_its_fixed_points_are_found_and_its_jacobian_is_exact(kind: type[nn.RNNBase]) -> None:
    torch.manual_seed(0)
    F = module_map(kind(IN, H), torch.zeros(IN))
    visited = [F(F.pack(states(N, layers=1, two=kind is nn.LSTM)))]
    for _ in range(5):
        visited.append(F(visited[-1]))
    start = visited[0]
    lower, upper = F.box(torch.cat(visited))
    found = find_slow_points(F, start, lower=lower, upper=upper)
    assert (found.kind == FIXED).all(), "small weights: one attracting fixed point"
    assert float(speed(F, found.point).max()) < 1e-10
    torch.testing.assert_close(
        found.point, found.point[:1].expand_as(found.point), rtol=0, atol=1e-8
    )
    J, eps = jacobian(F, start), 1e-6
    for j in range(start.shape[1]):
        shift = torch.zeros_like(start)
        shift[:, j] = eps
        torch.testing.assert_close(
            J[..., j], (F(start + shift) - F(start - shift)) / (2 * eps), rtol=1e-6, atol=1e-8
        )


STEPS = [
    *(kind(IN, H) for kind in (*MODULES, *CELLS)),
    nn.RNN(IN, H, nonlinearity="relu"),
    nn.GRU(IN, H, bias=False),
    nn.LSTM(IN, H, num_layers=2),
]


@pytest.mark.parametrize("module", STEPS, ids=str)
def test_its_own_derivatives_are_those_of_autograd(module: nn.Module) -> None:
    rng = torch.Generator().manual_seed(2)
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=rng)
    F = module_map(module, torch.randn(IN, generator=rng))
    size = F.width
    h, w = torch.randn(2, N, size, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(jacobian(F, h), derived_jacobian(F, h), rtol=0, atol=1e-12)
    for measure in (identity, F.measure, torch.tanh):
        expected = derived_curvature(F, h, w, measure=measure)
        torch.testing.assert_close(
            curvature(F, h, w, measure=measure), expected, rtol=0, atol=1e-12
        )
    assert (F.exact is None) == (F.n_layers > 1)


def test_the_search_asks_a_map_for_its_own_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> Tensor:
        raise AssertionError("derived although the map has derivatives of its own")

    torch.manual_seed(0)
    F = module_map(nn.LSTM(IN, H), torch.zeros(IN))
    start = F.pack(states(N, layers=1, two=True))
    for name in ("derived_jacobian", "derived_curvature"):
        monkeypatch.setattr(f"slowpoints.dynamics.maps.{name}", refused)
    found = find_slow_points(F, start, lower=-1.0, upper=1.0, measure=F.measure)
    assert set(found.kind.tolist()) == {FIXED, SLOW}, "a slow one needs the curvature"


def test_the_speed_of_an_lstm_is_that_of_h_and_of_tanh_c() -> None:
    F = module_map(nn.LSTM(IN, H), torch.zeros(IN))
    packed = F.pack(states(N, layers=1, two=True))
    h, c = packed.split(H, -1)
    assert torch.equal(F.measure(packed), torch.cat([h, c.tanh()], -1))
    F = module_map(nn.GRU(IN, H), torch.zeros(IN))
    assert torch.equal(F.measure(h), h)


def test_the_box_is_what_was_visited_and_a_margin() -> None:
    F = module_map(nn.GRU(IN, 2), torch.zeros(IN))
    lower, upper = F.box(torch.tensor([[0.0, -1.0], [2.0, 1.0]]), margin=0.25)
    assert (lower.tolist(), upper.tolist()) == ([-0.5, -1.5], [2.5, 1.5])


@pytest.mark.parametrize("kind", MODULES)
def test_the_lines_in_the_readme_do_what_they_say(
    kind: type[nn.RNNBase], capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(
        r"```python\n(from slowpoints.dynamics .*?)```", README.read_text("utf-8"), re.DOTALL
    )
    torch.manual_seed(0)
    sequences = torch.randn(9, N, IN, generator=torch.Generator().manual_seed(1))
    space = {"torch": torch, "gru": kind(IN, H), "sequences": sequences}
    exec(block, space)
    assert len(space["points"])
    assert str(space["points"]) in capsys.readouterr().out
    pyplot.close("all")


def test_the_module_itself_stays_as_it_is() -> None:
    module = nn.GRU(IN, H)
    module_map(module, torch.zeros(IN))
    assert module.weight_hh_l0.dtype == torch.float32
    assert module.weight_hh_l0.requires_grad


@pytest.mark.parametrize(
    ("module", "x", "message"),
    [
        (nn.Linear(3, 3), torch.zeros(3), "give find_slow_points a function"),
        (nn.GRU(3, 4, bidirectional=True), torch.zeros(3), "no map from state to state"),
        (nn.LSTM(3, 4, bidirectional=True), torch.zeros(3), "no map from state to state"),
        (nn.GRU(3, 4), torch.zeros(2), r"shape \(2,\); the module takes one input of 3 numbers"),
    ],
    ids=str,
)
def test_what_has_no_map_is_refused_with_what_would_be_right(
    module: nn.Module, x: Tensor, message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        module_map(module, x)
