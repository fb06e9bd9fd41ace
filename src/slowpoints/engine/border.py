"""Where arrays enter the engine: shapes, types and places are checked here, before any address is
taken.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from slowpoints.cells.network import Network, shapes
from slowpoints.engine.trust import check_step

_shapes = cache(shapes)
# of losses, in the order of the compiled kernel's
KINDS = ("squared", "cross_entropy", "logistic")


class Asked(NamedTuple):
    """What is wanted of the outputs at the last steps, and how much each answer counts."""

    kind: str  # how a miss is measured: one of KINDS
    y: Tensor  # [M, B, last, O] numbers; [M, B, last] outputs, int64, for the cross-entropy
    weight: Tensor  # [M, B, last]
    allowed: Tensor  # [M, O] bool: outputs that take part in the cross-entropy

    def by_row(self) -> "Asked":
        """Return the same with every step a sequence of its own: B x last sequences of one step."""
        y, weight = (value.flatten(1, 2).unsqueeze(2) for value in (self.y, self.weight))
        return self._replace(y=y, weight=weight)


def check_params(net: Network, params: dict[str, Tensor]) -> Tensor:
    """Raise unless `params` are those of a stack of such networks, all of one type in one place.

    -> one of them; params: as from `initialise`, the model axis M first
    """
    like = params.get("readout.W")
    if like is None or like.dim() != 3:
        raise ValueError("params: readout.W is missing, or has no model axis: it must be [M, H, O]")
    for name, shape in _shapes(net).items():
        own = params.get(name)
        if own is None:
            raise ValueError(
                f"params: {name} is missing; a network of {net.cell.name} has "
                f"{', '.join(_shapes(net))}"
            )
        if own.shape[1:] != shape or own.shape[0] != like.shape[0]:
            raise ValueError(
                f"params: {name} is {list(own.shape)}; expected {[like.shape[0], *shape]}"
            )
        if own.dtype != like.dtype or own.device != like.device:
            raise ValueError(
                f"params: {name} is {_kind(own)}, but readout.W is {_kind(like)}; all must be alike"
            )
    check_step(net.cell, net.units)
    return like


def check_input(
    net: Network, params: dict[str, Tensor], x: Tensor, *, silent: int, last: int | None
) -> None:
    """Raise unless x is what a stack reads, over at least one step, and `last` of them are there.

    x: [M, B, T, I]
    """
    like = check_params(net, params)
    if x.dim() != 4 or x.shape[0] != len(like) or x.shape[3] != net.n_in:
        raise ValueError(
            f"x is {list(x.shape)}; expected [M, B, T, I] = [{len(like)}, B, T, {net.n_in}]"
        )
    if x.dtype != like.dtype or x.device != like.device:
        raise ValueError(f"x is {_kind(x)}, but the parameters are {_kind(like)}; give both alike")
    n_steps = x.shape[2] + silent
    if 0 in x.shape[:2] or n_steps < 1 or silent < 0:
        raise ValueError(
            f"x is {list(x.shape)} and {silent} further steps: there is nothing to run"
        )
    if last is not None and not 1 <= last <= n_steps:
        raise ValueError(f"last is {last}; it must lie in 1..{n_steps}, the number of steps")


def check_constant(net: Network, params: dict[str, Tensor], x: Tensor) -> None:
    """Raise unless x is one constant input for every run of a stack.    x: [M, I]"""
    like = check_params(net, params)
    if x.dim() != 2 or len(x) != len(like):
        raise ValueError(
            f"x is {list(x.shape)}; expected [M, I], one input for each of {len(like)}"
        )
    if x.dtype != like.dtype or x.device != like.device:
        raise ValueError(f"x is {_kind(x)}, but the parameters are {_kind(like)}; give both alike")


def check_packed(packed: Tensor, x: Tensor) -> None:
    """Raise unless packed states [M, N, S] are of as many runs as x [M, I], and of its kind."""
    if packed.dim() != 3 or len(packed) != len(x):
        raise ValueError(
            f"states are {list(packed.shape)}; expected [M, N, S], for each of {len(x)} runs"
        )
    if packed.dtype != x.dtype or packed.device != x.device:
        raise ValueError(f"states are {_kind(packed)}, but x is {_kind(x)}; give both alike")


def check_asked(net: Network, x: Tensor, asked: Asked) -> None:
    """Raise unless targets and their weights are those of x and of this network's outputs."""
    if asked.kind not in KINDS:
        raise ValueError(f"unknown kind of loss {asked.kind!r}; known: {', '.join(KINDS)}")
    M, B, n_read = len(x), x.shape[1], asked.weight.shape[-1]
    numbers = (M, B, n_read, net.n_out), x.dtype
    wanted = {
        "y": ((M, B, n_read), torch.int64) if asked.kind == "cross_entropy" else numbers,
        "weight": ((M, B, n_read), x.dtype),
        "allowed": ((M, net.n_out), torch.bool),
    }
    for name, (shape, dtype) in wanted.items():
        own: Tensor = getattr(asked, name)
        if own.shape != shape or own.dtype != dtype or own.device != x.device:
            raise ValueError(
                f"{name} is {list(own.shape)} in {_kind(own)}; expected {list(shape)} in {dtype} "
                f"on {x.device}"
            )


def check_states(net: Network, states: tuple[tuple[Tensor, ...], ...], x: Tensor) -> None:
    """Raise unless `states` are those of every layer, each [M, B, H], of the type and in the place
    of x.
    """
    names = net.cell.states
    if len(states) != net.depth or any(len(layer) != len(names) for layer in states):
        counts = [len(layer) for layer in states]
        raise ValueError(
            f"states: {counts} per layer; expected {net.depth} layers of {', '.join(names)}"
        )
    expected = (*x.shape[:2], net.units)
    for layer in states:
        for name, state in zip(names, layer, strict=True):
            if state.shape != expected or state.dtype != x.dtype or state.device != x.device:
                raise ValueError(
                    f"states: {name} is {list(state.shape)} in {_kind(state)}; expected "
                    f"{list(expected)} in {_kind(x)}"
                )


def check_addresses(M: int, H: int, **arrays: tuple[Tensor, ...]) -> None:
    """Raise unless every array is float32 on the CPU and of M runs; all but sources are H wide."""
    for name, values in arrays.items():
        for value in values:
            if value.dtype != torch.float32 or value.device.type != "cpu" or value.shape[0] != M:
                raise ValueError(
                    f"{name}: {list(value.shape)} in {_kind(value)}; expected {M} runs in "
                    "torch.float32 on cpu"
                )
            if name != "sources" and value.shape[-1] != H:
                raise ValueError(
                    f"{name}: {list(value.shape)}; expected {H} numbers on the last axis"
                )


def laid_out(weight: Tensor) -> Tensor:
    """Return a weight with each run's numbers side by side, as compiled code reads them.

    [M, ...]
    """
    return weight if weight.is_contiguous() or weight[0].is_contiguous() else weight.contiguous()


def _kind(x: Tensor) -> str:
    return f"{x.dtype} on {x.device}"
