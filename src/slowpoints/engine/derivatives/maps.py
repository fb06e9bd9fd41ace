"""A network under constant input as a map from state to state, for any analysis of maps."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import vjp, vmap

from slowpoints.cells.definition import Cell
from slowpoints.cells.network import Network
from slowpoints.engine.border import check_constant, check_packed
from slowpoints.engine.cut import Cut, slopes
from slowpoints.engine.fused import Layer, Params, prepare
from slowpoints.engine.recurrence import States, advance, drive, hand_up
from slowpoints.engine.trust import mixes_units

Map = Callable[[Tensor], Tensor]


def pack(states: States) -> Tensor:
    """Put all states side by side, layer by layer.

    Args:
        states: each [M, B, H]

    Returns:
        [M, B, S]
    """
    return torch.cat([state for layer in states for state in layer], dim=-1)


def unpack(net: Network, packed: Tensor) -> States:
    """Take states apart that `pack` has put side by side.

    Args:
        packed: [M, B, S]

    Returns:
        Layer by layer and state by state, each [M, B, H].
    """
    n_states = len(net.cell.states)
    if packed.dim() < 1 or packed.shape[-1] != net.depth * n_states * net.units:
        raise ValueError(
            f"states are {list(packed.shape)}; packed, those of this network have "
            f"{net.depth * n_states * net.units} "
            f"numbers: {net.depth} layers of {', '.join(net.cell.states)}, {net.units} units each"
        )
    parts = packed.split(net.units, -1)
    return tuple(parts[layer * n_states : (layer + 1) * n_states] for layer in range(net.depth))


def measure(net: Network) -> Map:
    """Make the map to the quantities whose displacement in one step is the speed.

    Returns:
        [M, N, S] -> [M, N, S]: the state itself for most cells, (h, tanh c) for the LSTM (Haviv et
        al. 2019).
    """

    def measured(packed: Tensor) -> Tensor:
        parts = packed.split(net.units, -1)
        functions = net.cell.measure * net.depth
        return torch.cat(
            [function(part) for function, part in zip(functions, parts, strict=True)], dim=-1
        )

    return measured


def state_map(net: Network, params: Params, x: Tensor) -> Map:
    """Make the map of one step under a constant input.

    Args:
        x: [M, I], as `see` returns it

    Returns:
        F: [M, N, S] -> [M, N, S]

    Raises:
        ValueError: parameters, an input or states that do not fit the network.
    """
    check_constant(net, params, x)
    prepared = prepare(net, params)
    constant = drive(prepared[0], x.unsqueeze(1))

    def one_step(packed: Tensor) -> Tensor:
        check_packed(packed, x)
        driven, new = constant, []
        for index, (layer, states) in enumerate(zip(prepared, unpack(net, packed), strict=True)):
            states, y = advance(net.cell, layer, driven, states)
            new.append(states)
            if index + 1 < net.depth:
                driven = drive(prepared[index + 1], hand_up(layer, y))
        return pack(tuple(new))

    return one_step


def state_jacobian(net: Network, params: Params, x: Tensor) -> Map:
    """Make the exact Jacobian of `state_map`, J[a, b] = dF_a / ds_b.

    Of one layer it is assembled from the elementwise derivatives of the step,

        J = diag(df/ds) + sum_g diag(df/dp_g) R_g^T,

    with the chain rule through `read` for projections of the second stage. Of deeper networks, and
    of a cell whose step mixes units, it takes one reverse-mode derivative per state.

    Args:
        x: [M, I], as `see` returns it

    Returns:
        J: [M, N, S] -> [M, N, S, S]

    Raises:
        ValueError: parameters, an input or states that do not fit the network.
    """
    check_constant(net, params, x)
    if net.depth > 1 or mixes_units(net.cell, net.units):
        return _reverse_mode_jacobian(state_map(net, params, x))
    (layer,) = prepare(net, params)
    driven = drive(layer, x.unsqueeze(1))

    def jacobian(packed: Tensor) -> Tensor:
        check_packed(packed, x)
        return _assembled_jacobian(net.cell, layer, driven, unpack(net, packed)[0])

    return jacobian


def _assembled_jacobian(
    cell: Cell, layer: Layer, driven: tuple[Tensor, ...], states: tuple[Tensor, ...]
) -> Tensor:
    """Return the Jacobian of one layer, cutting the step at its pre-activations.

    states: each [M, N, H]
    """
    with torch.enable_grad():
        cut = Cut(cell, layer, driven, states)
        return torch.cat(
            [cut.along(slopes(state, cut.leaves)) for state in cut.new[: cut.n]], dim=-2
        )


def _reverse_mode_jacobian(function: Map) -> Map:
    def jacobian(packed: Tensor) -> Tensor:
        pullback = vjp(function, packed)[1]
        basis = torch.eye(packed.shape[-1], dtype=packed.dtype, device=packed.device)
        return vmap(lambda row: pullback(row.expand_as(packed))[0], out_dims=-2)(basis).detach()

    return jacobian
