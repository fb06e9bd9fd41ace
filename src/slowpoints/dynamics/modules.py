"""Maps from torch's own recurrent modules, so that their slow points can be searched as those of
any map.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import vjp

from slowpoints.dynamics import arrays
from slowpoints.dynamics.boxed import against
from slowpoints.dynamics.maps import Map, derived_curvature, derived_jacobian, pushed
from slowpoints.dynamics.region import reachable
from slowpoints.dynamics.torch_steps import StepDerivatives, derivatives_of

AGREEMENT = 1e-9  # of derivatives in float64

State = Tensor | tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class ModuleMap:
    """One step of a module under constant input, in float64, on states packed side by side.

    A packed state [N, S] holds, in this order, h of every layer and then, for an LSTM, c of every
    layer.
    """

    module: nn.Module
    x: Tensor  # [I]
    n_layers: int
    units: tuple[int, ...]  # of one layer: in h and, for an LSTM, in c; fewer in h with projections
    exact: StepDerivatives | None  # of one layer of torch's own

    def __call__(self, packed: Tensor) -> Tensor:
        """Return the next state.    [N, S] -> [N, S]"""
        if packed.dim() != 2:
            raise ValueError(
                f"states have shape {list(packed.shape)}; the map of one module takes [N, S]"
            )
        return self._step(self.x.expand(packed.shape[0], -1), packed)

    def _step(self, x: Tensor, packed: Tensor) -> Tensor:
        """Return the next state under an input of its own for each.    [N, I], [N, S] -> [N, S]"""
        state = self.unpack(packed)
        if isinstance(self.module, nn.RNNCellBase):
            return self._side_by_side(self.module(x, state))
        _, new = self.module(x.unsqueeze(1 if self.module.batch_first else 0), state)
        return self._side_by_side(new)

    def input_jacobian(self, packed: Tensor) -> Tensor:
        """Return dF_i/dx_j, what a small change of the input does.    [N, S] -> [N, S, I]"""
        x = self.x.expand(packed.shape[0], -1).contiguous()
        pull_back = vjp(lambda own: self._step(own, packed), x)[1]
        basis = torch.eye(packed.shape[-1], dtype=packed.dtype).unsqueeze(1)
        with torch.no_grad():
            rows = [pull_back(one.expand_as(packed))[0] for one in basis]
        return torch.stack(rows, 1)

    def jacobian(self, packed: Tensor) -> Tensor:
        """Return J[i, j] = dF_i/ds_j.    [N, S] -> [N, S, S]"""
        return (
            self.exact.jacobian(packed) if self.exact else derived_jacobian(self.__call__, packed)
        )

    def push(self, packed: Tensor) -> Callable[[Tensor], Tensor]:
        """Return v -> dF/ds v at some states.    all [N, S]"""
        return self.exact.push(packed) if self.exact else pushed(self.__call__, packed)

    def curvature(self, packed: Tensor, w: Tensor, *, measure: Map) -> Tensor:
        """Return sum_k w_k d^2 g(F(s))_k / ds_i ds_j, g the measure.

        [N, S], [N, S] -> [N, S, S]
        """
        if self.exact:
            return self.exact.curvature(packed, w, measure=measure)
        return derived_curvature(self.__call__, packed, w, measure=measure)

    @property
    def width(self) -> int:
        """Return S, the numbers of a state."""
        return self.n_layers * sum(self.units)

    def pack(self, state: State) -> Tensor:
        """Return states as torch's module gives them, side by side, without their graph.

        state: [layers, N, H], the last states that a module returns, or [N, H] of a cell or a
        single layer; for an LSTM a pair of such, (h, c)    -> [N, S]
        """
        given = state if isinstance(state, tuple | list) else (state,)
        parts = tuple(arrays.real(part, name="pack: a state") for part in given)
        if len(parts) != len(self.units):
            wanted = "one tensor" if len(self.units) == 1 else "a pair (h, c)"
            raise ValueError(
                f"pack: {len(parts)} tensors given; {type(self.module).__name__} has {wanted} "
                "for a state"
            )
        layers = [
            layer
            for part, units in zip(parts, self.units, strict=True)
            for layer in self._layers(part, units)
        ]
        if len({len(layer) for layer in layers}) > 1:
            raise ValueError(
                f"pack: h and c differ in shape: {[list(part.shape) for part in parts]}"
            )
        return torch.cat([layer.detach().to(self.x) for layer in layers], -1)

    def _side_by_side(self, state: State) -> Tensor:
        """Return a state of this module's own in one row, with its graph."""
        parts = (state,) if isinstance(state, Tensor) else state
        return torch.cat(
            [layer for part in parts for layer in (part if part.dim() == 3 else part[None])], -1
        )

    def _layers(self, part: Tensor, units: int) -> Tensor:
        """Return a part of the state as [layers, N, H]; another shape is an error."""
        stacked = part.unsqueeze(0) if part.dim() == 2 else part
        if stacked.dim() != 3 or (stacked.shape[0], stacked.shape[2]) != (self.n_layers, units):
            raise ValueError(
                f"pack: a state has shape {list(part.shape)}; expected [{self.n_layers}, N, "
                f"{units}], the last "
                "states that the module returns. Of outputs over time [N, T, H], which are the "
                "h of the top layer, "
                "those of a single layer without c are output.flatten(0, 1)"
            )
        return stacked

    def unpack(self, packed: Tensor) -> State:
        """Return states as torch's module takes them: the inverse of `pack`.    packed: [N, S]"""
        if packed.shape[-1] != self.width:
            raise ValueError(
                f"states have shape {list(packed.shape)}; those of this module have {self.width} "
                "numbers each"
            )
        sides = packed.split([self.n_layers * units for units in self.units], -1)
        parts = [
            torch.stack(side.split(units, -1))
            for side, units in zip(sides, self.units, strict=True)
        ]
        if isinstance(self.module, nn.RNNCellBase):
            parts = [part.squeeze(0) for part in parts]
        return parts[0] if len(parts) == 1 else (parts[0], parts[1])

    def measure(self, packed: Tensor) -> Tensor:
        """Return what moves: h, and tanh c for an LSTM (Haviv et al. 2019).

        packed: [N, S] -> [N, S]

        Under this measure an LSTM is slow wherever its c is large: search in a box.
        """
        h, *c = packed.split([self.n_layers * units for units in self.units], -1)
        return torch.cat([h, *(part.tanh() for part in c)], -1)

    def box(self, visited: Tensor, *, margin: float = 0.5) -> tuple[Tensor, Tensor]:
        """Return where to search: the range of visited states, see `region.reachable`.

        visited: [N, S] -> lower, upper, each [S]
        """
        return reachable(visited, margin=margin)


def module_map(module: nn.Module, x: Tensor) -> ModuleMap:
    """Make a map of one step of a recurrent module of torch under a constant input.

    Args:
        module: nn.RNN, nn.GRU or nn.LSTM, of any depth, in one direction, or one of their cells; it
            is copied
        x: [I], the input under which points are looked for

    Returns:
        A map [..., N, S] -> [..., N, S]; its methods turn torch's states into rows and back.

    Raises:
        TypeError, ValueError: modules that are none of these, that are trained with dropout between
            layers, or whose forward was replaced; an input of another width.
    """
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase):
        raise TypeError(
            f"{type(module).__name__} is not a recurrent module of torch: give "
            "find_slow_points a function that takes "
            "one step, from states [N, S] to states [N, S]"
        )
    if "forward" in vars(module):
        raise TypeError(
            f"the forward of this {type(module).__name__} was replaced on the instance, which "
            "a copy does not follow: "
            "make a subclass, or give find_slow_points a function that takes one step"
        )
    own = _copied(module)
    if isinstance(own, nn.RNNBase) and own.bidirectional:
        raise ValueError("a module in two directions has no map from state to state")
    x = arrays.real(x, name="x")
    if x.shape != (own.input_size,):
        raise ValueError(
            f"x has shape {tuple(x.shape)}; the module takes one input of {own.input_size} "
            "numbers for all "
            "starts: make one map for each input"
        )
    layers = own.num_layers if isinstance(own, nn.RNNBase) else 1
    shown = getattr(own, "proj_size", 0) or own.hidden_size
    units = (shown, own.hidden_size) if isinstance(own, nn.LSTM | nn.LSTMCell) else (shown,)
    given = x.detach().double().cpu()
    F = ModuleMap(own, given, layers, units, derivatives_of(own, given))
    return F if F.exact is None or _agrees(F, F.exact) else replace(F, exact=None)


def _agrees(F: ModuleMap, exact: StepDerivatives) -> bool:
    """Return whether a map's own Jacobian is that of its step, by one random weighting of its rows
    at one state.
    """
    rng = torch.Generator().manual_seed(0)
    h, weights = torch.randn(2, 1, F.width, generator=rng, dtype=torch.float64)
    expected = vjp(F.__call__, h)[1](weights)[0]
    return torch.allclose(
        against(weights, exact.jacobian(h)), expected, rtol=AGREEMENT, atol=AGREEMENT
    )


def _copied(module: nn.RNNBase | nn.RNNCellBase) -> nn.RNNBase | nn.RNNCellBase:
    """Return a copy to search: in float64, on the CPU, without dropout and gradients."""
    try:
        own = copy.deepcopy(module)
    except RuntimeError as error:
        raise TypeError(
            f"{type(module).__name__} cannot be copied, since some of its weights are computed "
            "from others: take "
            "torch.nn.utils.parametrizations.weight_norm instead of "
            "torch.nn.utils.weight_norm, or remove it first"
        ) from error
    return own.double().cpu().eval().requires_grad_(False)
