"""The weights of a network as the steps use them.

Side by side, so that one matmul serves all gates.

A run must come out the same to the bit alone and in company. On a CPU the order of a sum inside a
matmul depends on where its matrices start in memory, so all are made to start at whole cache lines:
zero columns and rows are added until the size of a matrix is a multiple of `ALIGNMENT`. Such zeros
change no number. What the batch contributes is aligned when its size is a multiple of 32;
otherwise, and for layers of one unit (matrix times vector is another routine), runs agree to
rounding only.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.cells.definition import NOTHING, Cell, Pointwise, Stream
from slowpoints.cells.network import Network

ALIGNMENT = 16  # numbers: 64 bytes of float32, a cache line and the widest vector

Params = dict[str, Tensor]


class Affine(NamedTuple):
    """x @ W + b.    W: [M, I + zero rows, H], b: [M, 1, H]."""

    W: Tensor
    b: Tensor
    width: int  # I


class Stage(NamedTuple):
    """Streams computed by one matmul, k side by side: columns kH + zeros.    R: [M, H, columns]."""

    names: tuple[str, ...]
    widths: list[int]  # H for each name, then the zero columns, if any
    source: str
    weights: Affine
    R: Tensor


class Free(NamedTuple):
    """A stream without a projection: through(source @ W + b), or through(source)."""

    name: str
    source: str
    weights: Affine | None
    through: Pointwise


class Layer(NamedTuple):
    """The fused weights of one layer: projected streams by stage, the others one by one."""

    embed: Affine | None
    free: tuple[Free, ...]
    stages: tuple[Stage, ...]
    out: Affine | None


def affine(W: Tensor, b: Tensor) -> Affine:
    """Return an affine map with zero rows added for alignment.    W: [M, I, H], b: [M, H]"""
    missing = _missing(W.shape[1], W.shape[2])
    return Affine(pad(W, (0, 0, 0, missing)) if missing else W, b.unsqueeze(1), W.shape[1])


def apply(weights: Affine, x: Tensor) -> Tensor:
    """Return x @ W + b.    x: [M, K, I] -> [M, K, H]"""
    if x.shape[2] != weights.width:  # padding would hide it
        raise ValueError(f"an input of {x.shape[2]} numbers meets weights for {weights.width}")
    missing = weights.W.shape[1] - x.shape[2]
    return torch.baddbmm(weights.b, pad(x, (0, missing)) if missing else x, weights.W)


def sources(layer: Layer, x: Tensor) -> dict[str, Tensor]:
    """Return what streams are computed from: the input, and the free streams.

    x: [M, K, I] -> each [M, K, H]; [M, 1, H] where it comes from nothing
    """
    found = {
        "input": x if layer.embed is None else apply(layer.embed, x),
        NOTHING: x.new_empty(len(x), 1, 0),
    }
    for free in layer.free:
        source = found[free.source]
        found[free.name] = free.through(
            source if free.weights is None else apply(free.weights, source)
        )
    return found


def prepare(net: Network, params: Params) -> tuple[Layer, ...]:
    """Fuse the weights of every layer, once for many steps.

    Args:
        params: by name, each [M, ...]

    Returns:
        What `step` takes, layer by layer.
    """
    return tuple(prepare_layer(net.cell, params, index) for index in range(net.depth))


def prepare_layer(cell: Cell, params: Params, index: int, *, staged: bool = True) -> Layer:
    """Return the fused weights of one layer; without stages for those who project by themselves."""

    def named(kind: str, name: str) -> Affine:
        return affine(params[f"{index}.{kind}W{name}"], params[f"{index}.{kind}b{name}"])

    def free(stream: Stream) -> Free:
        if stream.of == NOTHING:
            b = params[f"{index}.b.{stream.name}"]
            weights: Affine | None = affine(b.new_empty(len(b), 0, b.shape[1]), b)
        else:
            weights = named("", f".{stream.name}") if stream.affine else None
        return Free(stream.name, stream.of, weights, stream.through)

    return Layer(
        embed=named("embed.", "") if cell.embeds and index == 0 else None,
        free=tuple(free(stream) for stream in cell.free),
        stages=tuple(_stage(cell, params, index, names) for names in cell.stages if staged),
        out=named("out.", "") if cell.output_map else None,
    )


def _stage(cell: Cell, params: Params, index: int, names: tuple[str, ...]) -> Stage:
    units = params[f"{index}.W.{names[0]}"].shape[-1]
    missing = _missing(len(names) * units, units)

    def fused(kind: str) -> Tensor:
        together = torch.cat([params[f"{index}.{kind}.{name}"] for name in names], dim=-1)
        return pad(together, (0, missing)) if missing else together

    widths = [units] * len(names) + [missing] * (missing > 0)
    weights = affine(fused("W"), fused("b"))
    R = fused("R") if cell.recurrent else weights.b.new_zeros(len(weights.b), units, sum(widths))
    return Stage(names, widths, cell.source_of(names), weights, R)


def _missing(length: int, other: int) -> int:
    """Return how much to add to `length` for length x other to be a multiple of the alignment."""
    return -length % (ALIGNMENT // math.gcd(ALIGNMENT, other))
