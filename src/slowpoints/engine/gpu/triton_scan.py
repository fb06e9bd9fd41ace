"""The recurrence of one layer on a GPU.

A matmul and one generated kernel per step, forward and backward.

What is kept is what the CPU's kernel keeps: the states, and the few values in which the derivative
is written. The gradient of recurrent weights is one matmul over all steps at the end.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.engine.cpu import build
from slowpoints.engine.derivatives.symbols import NotElementwise
from slowpoints.engine.gpu.launching import can_launch, executed, is_there
from slowpoints.engine.gpu.triton_source import buffers, n_kept, triton_source

BLOCK = 256  # units per program

Launch = Callable[..., None]


@cache
def kernels(cell: Cell) -> dict[str, Launch] | None:
    """Return what launches the kernels of a cell, by name.

    None where Triton is not installed or its step is not elementwise.
    """
    if not is_there():
        return None
    try:
        taken = buffers(cell)
        return {name: _launcher(own, taken[name]) for name, own in generated(cell).items()}
    except NotElementwise:
        return None


def generated(cell: Cell) -> dict[str, Any]:
    """Return the kernels of a cell by name, as Triton takes them from their source."""
    space = executed(triton_source(cell), f"<triton kernels of {cell.name} {id(cell)}>")
    return {kernel: space[kernel] for kernel in buffers(cell)}


def _launcher(kernel: Any, taken: tuple[str, ...]) -> Launch:
    def launch(sizes: "Sizes", own: dict[str, Tensor], **flags: bool) -> None:
        """Run the kernel on one step's buffers, each [M, B, k H]."""
        arguments = [
            value
            for name in taken
            for value in (own[name], own[name].stride(0), own[name].stride(1))
        ]
        size = sizes.M * sizes.B * sizes.H
        kernel[(-(-size // BLOCK),)](*arguments, size, sizes.B, sizes.H, BLOCK=BLOCK, **flags)

    return launch


def runs_on_triton(cell: Cell, like: Tensor) -> bool:
    """Return whether a layer of `cell` runs through generated kernels.

    Float32 on a GPU, where Triton is.
    """
    if like.device.type != "cuda" or like.dtype != torch.float32 or build.wants_eager():
        return False
    return kernels(cell) is not None and can_launch()


class Sizes(NamedTuple):
    """Runs, sequences, steps, units."""

    M: int
    B: int
    T: int
    H: int


class Held(NamedTuple):
    """What the forward pass leaves for the backward pass: buffers [M, T, B, k H]."""

    trace: Tensor  # [M, T + 1, B, states H]
    steps: dict[str, Tensor]  # f, q, seen


class TritonScan(torch.autograd.Function):
    """All steps of one layer.

    driven: what the input contributes to each stage, [M, T, B, streams H]; free: [M, T, B, n H] or
    None;
    first: states side by side, [M, B, states H]; R: by stage, [M, H, streams H]
    -> outputs of the last `last` steps [M, last, B, H], final states [M, B, states H]
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, last: int, free: Tensor | None, first: Tensor, *stages: Tensor
    ) -> Any:
        """Run the recurrence.    stages: driven of each, then R of each"""
        n = len(stages) // 2
        driven, R = stages[:n], stages[n:]
        M, T, B, _ = driven[0].shape
        size = Sizes(M, B, T, R[0].shape[1])
        run = kernels(cell)
        assert run is not None, "callers ask for the kernels before they use them"
        trace = first.new_empty(M, T + 1, B, first.shape[-1])
        trace[:, 0] = first
        steps = {"q": first.new_empty(M, T, B, max(1, n_kept(cell)) * size.H)}
        steps |= {} if free is None else {"f": free}
        steps |= {"seen": first.new_empty(M, T, B, size.H)} if cell.second else {}
        y = trace[:, 1:, :, : size.H]
        if cell.emitted:
            y = first.new_empty(M, T, B, cell.emitted * size.H)
        for t in range(T):
            own = {name: buffer[:, t] for name, buffer in steps.items()}
            own |= {"s": trace[:, t], "new": trace[:, t + 1], "y": y[:, t]}
            seen = own["s"][..., : size.H]
            if cell.second:
                run["first"](size, own | {"p": torch.baddbmm(driven[0][:, t], seen, R[0])})
                seen = own["seen"]
            run["last"](size, own | {"p": torch.baddbmm(driven[-1][:, t], seen, R[-1])})
        ctx.cell = cell
        ctx.size = size
        ctx.last = last
        ctx.held = Held(trace, steps)
        ctx.R = R
        return y[:, T - last :].clone(), trace[:, T].clone()

    @staticmethod
    def backward(ctx: Any, dy: Tensor, d_final: Tensor) -> Any:
        """Return the gradients."""
        cell = ctx.cell
        size = ctx.size
        (trace, steps) = ctx.held
        R = ctx.R
        run = kernels(cell)
        assert run is not None, "the forward pass has used them"
        M, B, T, H = size
        widths = [weights.shape[-1] for weights in R]
        # zeros: a stage may have columns that only align it
        slopes = {
            name: trace.new_zeros(M, T, B, width)
            for name, width in zip(("dfirst", "dsecond"), widths, strict=False)
        }
        if "f" in steps:
            slopes["df"] = torch.empty_like(steps["f"])
        ds, dy = d_final.contiguous().clone(), dy.contiguous()
        for t in reversed(range(T)):
            own = {name: buffer[:, t] for name, buffer in (steps | slopes).items()}
            given = t - (T - ctx.last)
            own |= {"s": trace[:, t], "ds": ds, "dy": dy[:, max(given, 0)]}
            run["last_back"](size, own, WANTED=given >= 0)
            if cell.second:
                own["dseen"] = torch.bmm(own["dsecond"], R[1].mT)
                run["first_back"](size, own)
            ds[..., :H] += torch.bmm(own["dfirst"], R[0].mT)
        seen = [trace[:, :T, :, :H], steps["seen"]] if cell.second else [trace[:, :T, :, :H]]
        driven = [slopes["dfirst"], slopes["dsecond"]] if cell.second else [slopes["dfirst"]]
        dR = [
            torch.bmm(a.flatten(1, 2).mT, d.flatten(1, 2))
            for a, d in zip(seen, driven, strict=True)
        ]
        return None, None, slopes.get("df"), ds, *driven, *dR
