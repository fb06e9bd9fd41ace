"""The recurrence: the input's part for all steps at once, then one matmul and elementwise math per
step.

The loop over time is the reference. On a CPU, in float32, whole sequences go through the compiled
kernel instead.
"""

import logging
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from slowpoints.cells.definition import Bundle, Cell
from slowpoints.cells.network import Network, shapes
from slowpoints.engine.border import check_input, check_states
from slowpoints.engine.compiled_layer import inputs, mapped, scanned
from slowpoints.engine.cpu import build
from slowpoints.engine.cpu.compiled import runs_compiled
from slowpoints.engine.front import see
from slowpoints.engine.fused import (
    ALIGNMENT,
    Layer,
    Params,
    Stage,
    affine,
    apply,
    prepare_layer,
    sources,
)
from slowpoints.engine.gpu.triton_scan import TritonScan, runs_on_triton


class Tried(NamedTuple):
    """The sizes at which a kernel is compared with the loop."""

    M: int = 2
    B: int = 3
    T: int = 4
    I: int = 2  # noqa: E741


TRIED = Tried()
AGREEMENT = 1e-3  # share of the result, in float32: rounding is a thousandth of it
log = logging.getLogger("slowpoints")
States = tuple[tuple[Tensor, ...], ...]  # layers, then states, each [M, B, H]


def start(net: Network, params: Params, *, batch: int) -> States:
    """Return the initial states, learned or zero.

    Args:
        batch: B, the number of sequences; they share one row of memory

    Returns:
        Layer by layer and state by state, each [M, B, H].
    """

    def shared(row: Tensor) -> Tensor:
        return row.unsqueeze(1).expand(-1, batch, -1)

    if not net.learned_state:
        zeros = shared(params["readout.W"].new_zeros(len(params["readout.W"]), net.units))
        return ((zeros,) * len(net.cell.states),) * net.depth
    return tuple(
        tuple(shared(params[f"{layer}.init.{state}"]) for state in net.cell.states)
        for layer in range(net.depth)
    )


def drive(layer: Layer, x: Tensor) -> tuple[Tensor, ...]:
    """Return what the input contributes: free streams, then one fused tensor per stage.

    x: [M, K, I], where K may be batch, time x batch, or one    ->    each [M, K, H] or [M, K, kH]
    """
    found = sources(layer, x)
    staged = [
        apply(stage.weights, found[stage.source]).expand(-1, x.shape[1], -1)
        for stage in layer.stages
    ]
    return *(found[free.name].expand(-1, x.shape[1], -1) for free in layer.free), *staged


def advance(
    cell: Cell, layer: Layer, driven: tuple[Tensor, ...], states: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Return the new states of one layer after one step, and what it hands up before its output
    map.

    driven: as from `drive`; states: each [M, B, H]
    """
    s = Bundle(dict(zip(cell.states, states, strict=True)))
    p = {free.name: value for free, value in zip(layer.free, driven, strict=False)}
    seen = states[0]
    for stage, value in zip(layer.stages, driven[len(layer.free) :], strict=True):
        if stage.names == cell.second and cell.read is not None:
            seen = cell.read(Bundle(p), s)
        p |= stage_values(stage, value, seen)
    new = cell.step(Bundle(p), s)
    emitted = new[len(states) :] or new[:1]
    return new[: len(states)], emitted[0] if len(emitted) == 1 else torch.cat(emitted, -1)


def stage_values(stage: Stage, driven: Tensor, seen: Tensor) -> dict[str, Tensor]:
    """Return the streams of one stage by name.

    driven: [M, B, kH], seen: [M, B, H] -> each [M, B, H]
    """
    total = torch.baddbmm(driven, seen, stage.R)
    return dict(zip(stage.names, total.split(stage.widths, -1), strict=False))


def hand_up(layer: Layer, y: Tensor) -> Tensor:
    """Return what the next layer, or the read-out, sees.    y: [M, K, H] -> [M, K, H]"""
    return y if layer.out is None else torch.tanh(apply(layer.out, y))


def step(
    net: Network, prepared: tuple[Layer, ...], x: Tensor, states: States
) -> tuple[Tensor, States]:
    """Take one step of every layer.

    Args:
        prepared: the weights, as `prepare` returns them
        x: [M, B, I], as `see` returns it
        states: of every layer, each [M, B, H]

    Returns:
        The output of the top layer, [M, B, H], and the new states.
    """
    new = []
    for layer, old in zip(prepared, states, strict=True):
        layer_states, y = advance(net.cell, layer, drive(layer, x), old)
        new.append(layer_states)
        x = hand_up(layer, y)
    return x, tuple(new)


def unroll(
    net: Network,
    params: Params,
    x: Tensor,
    states: States | None = None,
    last: int | None = None,
    silent: int = 0,
) -> tuple[Tensor, States]:
    """Run a network over time.

    Args:
        net: the shape of the network
        params: by name, each [M, ...]
        x: [M, B, T - silent, I]
        states: where to start; by default the initial states
        last: of how many last steps the outputs are wanted; by default of all
        silent: steps after those given, at which the input is zero

    Returns:
        The outputs of the top layer, [M, B, last or T, H], and the final states.

    Raises:
        ValueError: parameters, inputs or states that do not fit the network or each other.
    """
    check_input(net, params, x, silent=silent, last=last)
    n_steps = x.shape[2] + silent
    compiled = is_compiled(net, x)
    x = entering(net, params, x, silent=silent, compiled=compiled)
    if states is None:
        states = start(net, params, batch=x.shape[1])
    check_states(net, states, x)
    final = []
    for index, first in enumerate(states):
        layer = prepare_layer(net.cell, params, index, staged=not compiled)
        kept = n_steps if last is None or index + 1 < net.depth else last
        if runs_on_triton(net.cell, x):
            x, now = _launches(net.cell, layer, x, first, kept)
        elif compiled:
            given = inputs(net.cell, layer, params, index, x, first)
            x, now = scanned(net.cell, given, n_steps, kept)
        else:
            x, now = _loop(net.cell, layer, x, first, kept)
        if layer.out is not None:
            flat = x.flatten(1, 2)
            x = (mapped(params, index, flat) if compiled else hand_up(layer, flat)).unflatten(
                1, (-1, kept)
            )
        final.append(now)
    return x, tuple(final)


def entering(net: Network, params: Params, x: Tensor, *, silent: int, compiled: bool) -> Tensor:
    """Return what the lowest layer reads, through the front if there is one.

    The compiled kernel continues by itself after the given steps, unless something is computed
    ahead.
    x: [M, B, T - silent, I] -> [M, B, T or T - silent, I]
    """
    if silent and (not compiled or net.cell.looks_ahead or net.front is not None):
        x = pad(x, (0, 0, 0, silent))
    return x if net.front is None else see(net, params, x)


def _loop(
    cell: Cell, layer: Layer, x: Tensor, states: tuple[Tensor, ...], last: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the `last` outputs of one layer and its final states, step by step.

    x: [M, B, T, I] -> [M, B, last, H]

    The input meets its weights in one matmul for all steps. Time is unbound, never indexed: the
    backward pass of an index fills a tensor as large as the whole sequence.
    """
    n_steps, n_batch = x.shape[2], x.shape[1]
    parts = drive(layer, x.transpose(1, 2).flatten(1, 2))
    outputs = []
    for driven in zip(
        *(part.unflatten(1, (n_steps, n_batch)).unbind(1) for part in parts), strict=True
    ):
        states, output = advance(cell, layer, driven, states)
        outputs.append(output)
    return torch.stack(outputs[-last:], 2), states


def _launches(
    cell: Cell, layer: Layer, x: Tensor, states: tuple[Tensor, ...], last: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the same as `_loop`, from a matmul and one generated kernel per step."""
    n_steps, n_batch = x.shape[2], x.shape[1]
    parts = [
        part.unflatten(1, (n_steps, n_batch))
        for part in drive(layer, x.transpose(1, 2).flatten(1, 2))
    ]
    n_free = len(layer.free)
    free = torch.cat(parts[:n_free], -1) if n_free else None
    weights = [stage.R for stage in layer.stages]
    out, final = TritonScan.apply(
        cell, last, free, torch.cat(states, -1), *parts[n_free:], *weights
    )
    return out.transpose(1, 2), final.chunk(len(states), -1)


def engine_of(net: Network, device: torch.device) -> str:
    """Name what runs the recurrence of a network here, as its record says it.

    Returns:
        compiled, triton or eager.
    """
    like = torch.empty(0, device=device)
    if runs_on_triton(net.cell, like):
        return "triton"
    return f"compiled by {build.compiler()}" if is_compiled(net, like) else "eager"


def is_compiled(net: Network, like: Tensor) -> bool:
    """Return whether the layers of a network run through the compiled kernel on such numbers."""
    return runs_compiled(net.cell, like, net.units) and _agrees(net.cell, net.units)


@cache
def _agrees(cell: Cell, units: int) -> bool:
    """Return whether the compiled kernel computes what the loop does, outputs and gradients.

    Say so where it does not.

    Tried once per cell and size: a step that asks what kind of number it is given can answer the
    kernel otherwise.
    """
    with torch.inference_mode(False), torch.enable_grad():
        ways = [_tried(cell, units, compiled=compiled) for compiled in (False, True)]
    agrees = all(_near(a, b) for a, b in zip(*ways, strict=True))
    if not agrees:
        log.warning(
            "cell %s: its kernel computes something else than its step; it runs without, slower",
            cell.name,
        )
    return agrees


def _tried(cell: Cell, units: int, *, compiled: bool) -> list[Tensor]:
    """Return outputs, final states and gradients of one layer of made-up numbers."""
    is_itself = any(own.of == "input" and not own.affine for own in cell.free) and not cell.embeds
    n_in = units if is_itself else TRIED.I
    net, rng = Network(cell, n_in, 1, units), torch.Generator().manual_seed(0)
    params = {
        name: (torch.randn(TRIED.M, *shape, generator=rng) / math.sqrt(units)).requires_grad_()
        for name, shape in shapes(net).items()
        if not name.startswith("readout.")
    }
    x = torch.randn(TRIED.M, TRIED.B, TRIED.T, n_in, generator=rng)
    states = tuple(torch.randn(TRIED.M, TRIED.B, units, generator=rng) for _ in cell.states)
    layer = prepare_layer(cell, params, 0, staged=not compiled)
    if compiled:
        given = inputs(cell, layer, params, 0, x, states)
        out, final = scanned(cell, given, TRIED.T, TRIED.T)
    else:
        out, final = _loop(cell, layer, x, states, TRIED.T)
    total = out.sin().sum() + sum(state.cos().sum() for state in final)
    slopes = torch.autograd.grad(
        total, list(params.values()), allow_unused=True, materialize_grads=True
    )
    return [out, *final, *slopes]


def _near(a: Tensor, b: Tensor) -> bool:
    """Return whether two results agree to far more than rounding."""
    if not torch.equal(a.isfinite(), b.isfinite()):
        return False
    a, b = (x.nan_to_num(0, 0, 0) for x in (a, b))
    return bool((a - b).norm() <= AGREEMENT * (1 + a.norm()))


def readout(net: Network, params: Params, y: Tensor) -> Tensor:
    """Apply the affine read-out of the top layer.

    Args:
        y: [M, ..., H]

    Returns:
        [M, ..., O]
    """
    if y.shape[-1] != net.units:  # the reshaping would hide it
        raise ValueError(f"y is {list(y.shape)}; the network has {net.units} units")
    flat = y.reshape(len(y), -1, net.units)
    W, b = params["readout.W"], params["readout.b"]
    if (
        net.n_out == 1
    ):  # matrix times vector is another routine, in which runs would agree to rounding only
        W, b = pad(W, (0, ALIGNMENT - 1)), pad(b, (0, ALIGNMENT - 1))
    out = apply(affine(W, b), flat)[..., : net.n_out].contiguous()
    return out.unflatten(1, y.shape[1:-1])
