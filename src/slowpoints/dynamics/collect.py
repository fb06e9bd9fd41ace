"""The states a recurrent module of torch passes through, all of them."""

from typing import Any

import torch
from torch import Tensor, nn

from slowpoints.dynamics import arrays
from slowpoints.dynamics.modules import State


@torch.no_grad()
def collect_states(module: nn.Module, inputs: Any, state: State | None = None) -> Tensor:
    """Run a module over inputs and keep every state: all layers, h and c, at every step.

    What a module returns is the h of its top layer over time, and all states at the last step only.

    Args:
        module: nn.RNN, nn.GRU or nn.LSTM in one direction, or one of their cells
        inputs: [N, T, I], or [T, N, I] for a module without `batch_first`; a cell takes [N, T, I]
        state: where to start, as the module takes it; zero without it

    Returns:
        [N, T, S], on the module's device: h of every layer and then, for an LSTM, c of every layer,
        side by side as `module_map(...).pack` puts them.

    Raises:
        TypeError: another module.
        ValueError: inputs of another shape, or a module in two directions.
    """
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase):
        raise TypeError(f"{type(module).__name__} is not a recurrent module of torch")
    if isinstance(module, nn.RNNBase) and module.bidirectional:
        raise ValueError("a module in two directions has no state at a step: the other comes last")
    like = next(module.parameters())
    x = arrays.real(inputs, name="inputs").to(like)
    is_cell = isinstance(module, nn.RNNCellBase)
    if x.dim() != 3 or x.shape[-1] != module.input_size:
        raise ValueError(
            f"inputs have shape {list(x.shape)}; the module takes sequences of "
            f"{module.input_size} numbers: [N, T, {module.input_size}], or time first for a module "
            "without batch_first"
        )
    time = 1 if is_cell or module.batch_first else 0
    if not x.shape[time]:
        raise ValueError(f"inputs have shape {list(x.shape)}: no step")
    was_training = module.training
    rows = []
    try:
        module.eval()
        for now in x.split(1, time):
            if is_cell:
                state = module(now.squeeze(1), state)
            else:
                _, state = module(now, state)
            rows.append(_side_by_side(state))
    finally:
        module.train(was_training)
    return torch.stack(rows, 1)


def _side_by_side(state: State) -> Tensor:
    """Return a state of a module in rows.    -> [N, S]"""
    parts = (state,) if isinstance(state, Tensor) else state
    layers = [layer for part in parts for layer in (part if part.dim() == 3 else part[None])]
    return torch.cat(layers, -1)
