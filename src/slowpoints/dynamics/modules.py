"""Maps from torch's own recurrent modules, so that their slow points can be searched as those of
any map.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import vjp

from slowpoints.dynamics import checks
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
    units: int
    n_states: int  # 2 for an LSTM: h and c
    exact: StepDerivatives | None  # of one layer of torch's own

    def __call__(self, packed: Tensor) -> Tensor:
        """Return the next state.    [N, S] -> [N, S]"""
        if packed.dim() != 2:
            raise ValueError(
                f"states have shape {list(packed.shape)}; the map of one module takes [N, S]"
            )
        state = self.unpack(packed)
        n = packed.shape[0]
        if isinstance(self.module, nn.RNNCellBase):
            new = self.module(self.x.expand(n, -1), state)
        else:
            sequence = (
                self.x.expand(n, 1, -1) if self.module.batch_first else self.x.expand(1, n, -1)
            )
            _, new = self.module(sequence, state)
        return self._side_by_side(new)

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

    def pack(self, state: State) -> Tensor:
        """Return states as torch's module gives them, side by side, without their graph.

        state: [layers, N, H], the last states that a module returns, or [N, H] of a cell or a
        single layer; for an LSTM a pair of such, (h, c)    -> [N, S]
        """
        given = state if isinstance(state, tuple | list) else (state,)
        parts = tuple(checks.real(part, name="pack: a state") for part in given)
        if len(parts) != self.n_states:
            wanted = "one tensor" if self.n_states == 1 else "a pair (h, c)"
            raise ValueError(
                f"pack: {len(parts)} tensors given; {type(self.module).__name__} has {wanted} "
                "for a state"
            )
        layers = [layer for part in parts for layer in self._layers(part)]
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

    def _layers(self, part: Tensor) -> Tensor:
        """Return a part of the state as [layers, N, H]; another shape is an error."""
        stacked = part.unsqueeze(0) if part.dim() == 2 else part
        if stacked.dim() != 3 or (stacked.shape[0], stacked.shape[2]) != (
            self.n_layers,
            self.units,
        ):
            raise ValueError(
                f"pack: a state has shape {list(part.shape)}; expected [{self.n_layers}, N, "
                f"{self.units}], the last "
                "states that the module returns. Of outputs over time [N, T, H], which are the "
                "h of the top layer, "
                "those of a single layer without c are output.flatten(0, 1)"
            )
        return stacked

    def unpack(self, packed: Tensor) -> State:
        """Return states as torch's module takes them: the inverse of `pack`.    packed: [N, S]"""
        width = self.n_states * self.n_layers * self.units
        if packed.shape[-1] != width:
            raise ValueError(
                f"states have shape {list(packed.shape)}; those of this module have {width} "
                "numbers each"
            )
        stacked = torch.stack(packed.split(self.units, -1))
        parts = stacked.split(self.n_layers)
        if isinstance(self.module, nn.RNNCellBase):
            parts = tuple(part.squeeze(0) for part in parts)
        return parts[0] if self.n_states == 1 else (parts[0], parts[1])

    def measure(self, packed: Tensor) -> Tensor:
        """Return what moves: h, and tanh c for an LSTM (Haviv et al. 2019).

        packed: [N, S] -> [N, S]

        Under this measure an LSTM is slow wherever its c is large: search in a box.
        """
        h, *c = packed.split(self.n_layers * self.units, -1)
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
    if isinstance(own, nn.RNNBase) and (own.bidirectional or own.proj_size):
        raise ValueError(
            "a module in two directions, or with projections, has no map from state to state"
        )
    x = checks.real(x, name="x")
    if x.shape != (own.input_size,):
        raise ValueError(
            f"x has shape {tuple(x.shape)}; the module takes one input of {own.input_size} "
            "numbers for all "
            "starts: make one map for each input"
        )
    layers = own.num_layers if isinstance(own, nn.RNNBase) else 1
    n_states = 2 if isinstance(own, nn.LSTM | nn.LSTMCell) else 1
    given = x.detach().double().cpu()
    F = ModuleMap(own, given, layers, own.hidden_size, n_states, derivatives_of(own, given))
    return F if F.exact is None or _agrees(F, F.exact) else replace(F, exact=None)


def _agrees(F: ModuleMap, exact: StepDerivatives) -> bool:
    """Return whether a map's own Jacobian is that of its step, by one random weighting of its rows
    at one state.
    """
    rng = torch.Generator().manual_seed(0)
    h, weights = torch.randn(2, 1, F.n_states * F.units, generator=rng, dtype=torch.float64)
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
