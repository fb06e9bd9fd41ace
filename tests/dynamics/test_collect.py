"""All states of torch's modules over time, beside what torch itself returns."""

import pytest
import torch
from torch import Tensor, nn

from slowpoints.dynamics import collect_states, module_map

IN, H, N, STEPS = 3, 4, 5, 7
X = torch.randn(N, STEPS, IN, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_the_states_of_layers(kind: type[nn.RNNBase], layers: int, batch_first: bool):
    torch.manual_seed(0)
    module = kind(IN, H, num_layers=layers, batch_first=batch_first)
    states = collect_states(module, X if batch_first else X.transpose(0, 1))
    output, last = module(X if batch_first else X.transpose(0, 1))
    F = module_map(module, torch.zeros(IN))
    assert states.shape == (N, STEPS, layers * H * (2 if kind is nn.LSTM else 1))
    top = states[..., (layers - 1) * H : layers * H]
    torch.testing.assert_close(top, output if batch_first else output.transpose(0, 1))
    torch.testing.assert_close(states[:, -1].double(), F.pack(last), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_the_states_of_cells(kind: type[nn.RNNCellBase]):
    torch.manual_seed(0)
    cell = kind(IN, H)
    states = collect_states(cell, X)
    now: Tensor | tuple[Tensor, Tensor] | None = None
    for step in range(STEPS):
        now = cell(X[:, step], now)
        parts = (now,) if isinstance(now, Tensor) else now
        assert torch.equal(states[:, step], torch.cat(parts, -1))


def test_a_state_to_start_from_and_numpy():
    torch.manual_seed(0)
    module, begin = nn.GRU(IN, H, batch_first=True), torch.randn(1, N, H)
    whole = collect_states(module, X.numpy(), begin)
    first = collect_states(module, X[:, :3], begin)
    rest = collect_states(module, X[:, 3:], first[None, :, -1])
    torch.testing.assert_close(whole, torch.cat([first, rest], 1))


def test_the_module_stays_as_it_was():
    module = nn.GRU(IN, H, num_layers=2, dropout=0.5, batch_first=True).train()
    assert torch.equal(collect_states(module, X), collect_states(module, X))
    assert module.training


@pytest.mark.parametrize(
    ("module", "inputs", "error", "message"),
    [
        (nn.Linear(IN, H), X, TypeError, "Linear is not a recurrent module"),
        (nn.GRU(IN, H, bidirectional=True), X, ValueError, "two directions"),
        (nn.GRU(IN, H), X[0], ValueError, r"\[7, 3\]; the module takes sequences of 3"),
        (nn.GRU(IN + 1, H), X, ValueError, r"\[5, 7, 3\]; the module takes sequences of 4"),
        (nn.GRU(IN, H, batch_first=True), X[:, :0], ValueError, "no step"),
    ],
)
def test_what_is_refused(module: nn.Module, inputs: Tensor, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        collect_states(module, inputs)
