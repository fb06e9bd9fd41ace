"""The compiled recurrence of one layer as one differentiable function of weights, inputs and first states."""

import ctypes
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.cells.definition import Cell
from slowpoints.engine.build import library, widest_vector
from slowpoints.engine.source import source
from slowpoints.engine.symbols import NotElementwise

log = logging.getLogger("slowpoints")
POINTER, LONG = ctypes.c_void_p, ctypes.c_long


class Weights(NamedTuple):
    """What one stage computes with: streams G side by side.    W: [M, I, G, H], b: [M, G, H], R: [M, H, G, H]"""

    W: Tensor
    b: Tensor
    R: Tensor


class CStage(ctypes.Structure):
    """`Stage` of the kernel."""

    _fields_ = [("source", POINTER), ("run", LONG), ("step", LONG), ("row", LONG), ("width", LONG),
                ("weights", POINTER), ("p", POINTER)]  # fmt: skip


@cache
def _structures(n_states: int, n_free: int) -> tuple[type[ctypes.Structure], type[ctypes.Structure]]:
    """Return `Call` and `Back` of the kernel for a cell with so many states and free streams."""
    call: list[tuple[str, Any]] = [(name, LONG) for name in ("M", "T", "B", "H", "blocks", "keeps")]
    call += [
        ("stage", CStage * 2),
        ("free", POINTER * (n_free + 1)),
        ("state", POINTER * n_states),
        ("emitted", POINTER),
    ]
    back: list[tuple[str, Any]] = [
        ("transposed", POINTER * 2),
        ("last", LONG),
        ("d_out", POINTER),
        ("d_state", POINTER * n_states),
    ]
    back += [("d_free", POINTER * (n_free + 1)), ("seen", POINTER), ("d_weights", POINTER * 2)]
    return type("Call", (ctypes.Structure,), {"_fields_": call}), type("Back", (ctypes.Structure,), {"_fields_": back})


def vector_for(units: int) -> int:
    """Return the vector width for so many units: the widest that is not half empty."""
    return next((v for v in (4, 8) if v >= units), widest_vector()) if widest_vector() > 4 else 4


@cache
def kernel(cell: Cell, vector: int) -> ctypes.CDLL | None:
    """Return the kernel of a cell, compiled at first use; None where the cell runs eagerly."""
    try:
        return library(source(cell, vector=vector))
    except NotElementwise as reason:
        log.info("cell %s runs without the compiled kernel: %s", cell.name, reason)
        return None


def runs_compiled(cell: Cell, x: Tensor, units: int) -> bool:
    """Return whether a layer of `cell` runs through the kernel: float32 on a CPU, where there is a compiler."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and kernel(cell, vector_for(units)) is not None


class Scan(torch.autograd.Function):
    """All steps of one layer in one call.

    sources: one per stage, each [M, B, T, I]; free streams: each [M, B, T, H]; first states: each [M, B, H]
    -> outputs of the last `last` steps [M, B, last, H], final states, each [M, B, H]
    """

    @staticmethod
    def forward(ctx: Any, cell: Cell, last: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run the recurrence; what the backward pass needs is kept unless no gradient is wanted."""
        n_stages, n_states = 1 + bool(cell.second), len(cell.states)
        sources = [x if x.stride(-1) == 1 else x.contiguous() for x in tensors[:n_stages]]
        weights = [Weights(*tensors[i : i + 3]) for i in range(n_stages, 4 * n_stages, 3)]
        free, first = tensors[4 * n_stages : len(tensors) - n_states], tensors[len(tensors) - n_states :]
        M, B, T, _ = sources[0].shape
        units = first[0].shape[-1]
        vector = vector_for(units)
        missing = -units % vector
        Hp = units + missing
        call = _structures(n_states, len(free))[0](
            M=M, T=T, B=B, H=units, blocks=Hp // vector, keeps=any(ctx.needs_input_grad)
        )
        packed = [_packed(w, vector) for w in weights]
        kept = [
            x.new_empty(M, T, B, w.b.shape[1], Hp) if call.keeps else None
            for x, w in zip(sources, weights, strict=True)
        ]
        for i, (x, w) in enumerate(zip(sources, weights, strict=True)):
            call.stage[i] = CStage(
                _at(x), x.stride(0), x.stride(2), x.stride(1), w.W.shape[1], _at(packed[i]), _at(kept[i])
            )
        streams = [pad(x.transpose(1, 2), (0, missing)).contiguous() for x in free]
        states = [x.new_empty(M, T + 1, B, Hp) for x in first]
        for state, start in zip(states, first, strict=True):
            state[:, 0] = pad(start, (0, missing))
        emitted = states[0].new_empty(M, T, B, Hp) if cell.emits else None
        _point(call.free, streams)
        _point(call.state, states)
        call.emitted = _at(emitted)
        _run(cell, vector).forward(ctypes.byref(call))
        ctx.cell, ctx.last, ctx.call = cell, last, call
        ctx.held = (sources, weights, packed, kept, streams, states)
        out = states[0][:, 1:] if emitted is None else emitted
        final = (state[:, -1, :, :units] for state in states)
        return out[:, T - last :, :, :units].transpose(1, 2), *final

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients; what was kept is used up, so that a second backward pass is refused."""
        if ctx.held is None:
            raise RuntimeError("the compiled recurrence can be differentiated once; run it forward again")
        sources, weights, _, kept, streams, states = ctx.held
        ctx.held, call, cell = None, ctx.call, ctx.cell
        M, T, B, units = call.M, call.T, call.B, call.H
        vector = vector_for(units)
        Hp = call.blocks * vector
        d_out = _padded(slopes[0].transpose(1, 2), Hp)
        d_states = [_padded(slope, Hp).clone() for slope in slopes[1:]]
        d_free = [torch.empty_like(x) for x in streams]
        seen = states[0].new_empty(M, T, B, Hp) if cell.second else None
        transposed = [_transposed(w.R, vector) for w in weights]
        d_weights = [
            x.new_zeros(M, 1 + w.W.shape[1] + units, w.b.shape[1], Hp) for x, w in zip(sources, weights, strict=True)
        ]
        back = _structures(len(states), len(streams))[1](last=ctx.last, d_out=_at(d_out), seen=_at(seen))
        for field, values in ((back.transposed, transposed), (back.d_state, d_states), (back.d_free, d_free),
                              (back.d_weights, d_weights)):  # fmt: skip
            _point(field, values)
        _run(cell, vector).backward(ctypes.byref(call), ctypes.byref(back))
        d_sources = [
            _to_source(dp, w, units) if ctx.needs_input_grad[2 + i] else None
            for i, (dp, w) in enumerate(zip(kept, weights, strict=True))
        ]
        d_stages = [
            part
            for d in d_weights
            for part in (d[:, 1:-units, :, :units], d[:, 0, :, :units], d[:, -units:, :, :units])
        ]
        return (None, None, *d_sources, *d_stages, *(d[..., :units].transpose(1, 2) for d in d_free),
                *(d[..., :units] for d in d_states))  # fmt: skip


def _run(cell: Cell, vector: int) -> ctypes.CDLL:
    found = kernel(cell, vector)
    assert found is not None, "callers ask for the kernel before they use it"
    return found


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _point(field: Any, tensors: Sequence[Tensor]) -> None:
    for i, tensor in enumerate(tensors):
        field[i] = tensor.data_ptr()


def _padded(x: Tensor, width: int) -> Tensor:
    return pad(x, (0, width - x.shape[-1])).contiguous()


def _packed(weights: Weights, vector: int) -> Tensor:
    """Return bias, input and recurrent weights as the kernel reads them.    -> [M, H / V, 1 + I + H, G, V]"""
    together = torch.cat([weights.b.unsqueeze(1), weights.W, weights.R], 1)
    blocks = pad(together, (0, -together.shape[-1] % vector)).unflatten(-1, (-1, vector))
    return blocks.permute(0, 3, 1, 2, 4).contiguous()


def _transposed(R: Tensor, vector: int) -> Tensor:
    """Return R for the way back, C vectors side by side.    R: [M, H, G, H] -> [M, H / V / C, G H, C, V]"""
    columns = pad(R.permute(0, 2, 3, 1).flatten(1, 2), (0, -R.shape[1] % vector)).unflatten(-1, (-1, vector))
    together = next(c for c in (3, 2, 1) if columns.shape[2] % c == 0)
    return columns.unflatten(2, (-1, together)).permute(0, 2, 1, 3, 4).contiguous()


def _to_source(dp: Tensor, weights: Weights, units: int) -> Tensor:
    """Return the gradient of a stage's source.    dp: [M, T, B, G, Hp] -> [M, B, T, I]"""
    flat = dp[..., :units].flatten(3).flatten(1, 2)
    return torch.bmm(flat, weights.W.flatten(2).transpose(1, 2)).unflatten(1, dp.shape[1:3]).transpose(1, 2)
