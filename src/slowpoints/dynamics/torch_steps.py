"""The step of one layer of torch's recurrent modules, with its exact first and second derivative.

A step is elementwise in the states s_i and in the streams p_g = R_g h + b_g, in torch's own order
of gates. With A_a the derivative of such a leaf a by the state (R_g on h for a stream, a one on
itself for a state),

    dF/ds = sum_a diag(dF/da) A_a,    d^2 e / ds ds = sum_ab A_a^T diag(d^2 e / da db) A_b,

e being a weighted sum of what the step returns. Only the elementwise derivatives are left to
autograd.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

TORCHS_OWN = (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell)
Elementwise = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], tuple[Tensor, ...]]


def rnn(x: Sequence[Tensor], p: Sequence[Tensor], s: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the state of torch's RNN.

    x: what the input adds to each stream, [H]; p: streams, s: states, [N, H]
    """
    return (torch.tanh(x[0] + p[0]),)


def relu_rnn(x: Sequence[Tensor], p: Sequence[Tensor], s: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the state of torch's RNN with rectified units."""
    return (torch.relu(x[0] + p[0]),)


def gru(x: Sequence[Tensor], p: Sequence[Tensor], s: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the state of torch's GRU, which resets after the matmul."""
    reset, keep = torch.sigmoid(x[0] + p[0]), torch.sigmoid(x[1] + p[1])
    return ((1 - keep) * torch.tanh(x[2] + reset * p[2]) + keep * s[0],)


def lstm(x: Sequence[Tensor], p: Sequence[Tensor], s: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the states h, c of torch's LSTM."""
    write, keep, candidate, show = (a + b for a, b in zip(x, p, strict=True))
    c = torch.sigmoid(keep) * s[1] + torch.sigmoid(write) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(c), c


class StepDerivatives(NamedTuple):
    """The derivatives of one step of one layer under a constant input."""

    step: Elementwise
    R: Tensor  # [G, H, H]
    b: Tensor  # [G, H]
    x: Tensor  # [G, H] what the input adds, its bias included
    n_states: int

    def jacobian(self, packed: Tensor) -> Tensor:
        """Return J[a, b] = dF_a / ds_b.    [N, S] -> [N, S, S]"""
        with torch.enable_grad():
            s, p = self._leaves(packed)
            new = self.step(self.x.unbind(), p, s)
            return torch.cat([self._along(slopes(part.sum(), [*s, *p])) for part in new], -2)

    def push(self, packed: Tensor) -> Callable[[Tensor], Tensor]:
        """Return v -> dF/ds v at some states.    all [N, S]"""
        units, n = self.R.shape[-1], self.n_states
        with torch.enable_grad():
            s, p = self._leaves(packed)
            new = self.step(self.x.unbind(), p, s)
            rows = [slopes(part.sum(), [*s, *p]) for part in new]
        by_state = torch.stack([torch.stack(list(row[:n])) for row in rows])  # [n, n, N, H]
        by_stream = torch.stack([torch.cat(list(row[n:]), -1) for row in rows])  # [n, N, G H]
        R = self.R.flatten(0, 1).mT

        def pushed(v: Tensor) -> Tensor:
            own = torch.stack(v.split(units, -1))
            streams = (by_stream * (own[0] @ R)).unflatten(-1, (-1, units)).sum(-2)
            return torch.cat(((by_state * own).sum(1) + streams).unbind(), -1)

        return pushed

    def curvature(
        self, packed: Tensor, weight: Tensor, *, measure: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Return sum_k w_k d^2 g(F(s))_k / ds ds, g the measure.    [N, S], [N, S] -> [N, S, S]"""
        with torch.enable_grad():
            s, p = self._leaves(packed)
            e = (weight * measure(torch.cat(self.step(self.x.unbind(), p, s), -1))).sum()
            first = slopes(e, [*s, *p], again=True)
            rows = [slopes(part.sum(), [*s, *p]) for part in first]
        units, n = self.R.shape[-1], self.n_states
        total = torch.cat([self._along(row) for row in rows[:n]], -2)
        streams = torch.cat([self._along(row) for row in rows[n:]], -2)  # [N, G H, S]
        total[..., :units, :] += self.R.flatten(0, 1).mT @ streams
        return total

    def _leaves(self, packed: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the states and the streams at packed states, each [N, H]."""
        units = self.R.shape[-1]
        s = packed.split(units, -1)
        p = torch.addmm(self.b.flatten(), s[0], self.R.flatten(0, 1).mT).split(units, -1)
        return [part.detach().requires_grad_() for part in s], [
            part.detach().requires_grad_() for part in p
        ]

    def _along(self, row: Sequence[Tensor]) -> Tensor:
        """Return sum_a diag(row_a) A_a.    row: states first, each [N, H] -> [N, H, S]"""
        units, n = self.R.shape[-1], self.n_states
        total = self.R.new_zeros(len(row[0]), units, n * units)
        for value, R in zip(row[n:], self.R, strict=True):
            total[..., :units].addcmul_(value.unsqueeze(-1), R)
        for column, value in zip(total.split(units, -1), row[:n], strict=True):
            column.diagonal(dim1=-2, dim2=-1).add_(value)
        return total


def slopes(value: Tensor, leaves: Sequence[Tensor], *, again: bool = False) -> Sequence[Tensor]:
    """Return the derivative of a sum of elementwise values, to be differentiated `again` or not."""
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return torch.autograd.grad(
        value, leaves, retain_graph=True, create_graph=again, materialize_grads=True
    )


def is_torchs_own(module: nn.Module) -> bool:
    """Return whether a module computes what its class in torch does.

    No hook, no subclass (parametrised ones are).
    """
    has_hooks = module._forward_hooks or module._forward_pre_hooks
    return (
        type(module) in TORCHS_OWN
        and not has_hooks
        and any("weight_hh" in name for name in module._parameters)
    )


def derivatives_of(module: nn.Module, x: Tensor) -> StepDerivatives | None:
    """Return the derivatives of one layer or cell of exactly torch's classes under input x.

    Else None.

    x: [I]
    """
    if not is_torchs_own(module):
        return None
    if isinstance(module, nn.RNNBase) and (module.num_layers > 1 or module.proj_size):
        return None
    own = {name.removesuffix("_l0"): value.detach() for name, value in module.named_parameters()}
    units = own["weight_hh"].shape[-1]
    n_gates = len(own["weight_hh"]) // units
    zero = own["weight_hh"].new_zeros(n_gates * units)
    steps = {
        1: relu_rnn if getattr(module, "nonlinearity", "tanh") == "relu" else rnn,
        3: gru,
        4: lstm,
    }
    return StepDerivatives(
        step=steps[n_gates],
        R=own["weight_hh"].unflatten(0, (n_gates, units)),
        b=own.get("bias_hh", zero).unflatten(0, (n_gates, units)),
        x=(own["weight_ih"] @ x + own.get("bias_ih", zero)).unflatten(0, (n_gates, units)),
        n_states=2 if n_gates == 4 else 1,
    )
