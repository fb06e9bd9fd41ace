"""One layer through the compiled kernel."""

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, Cell, cell
from slowpoints.engine.cpu.scan import Scan
from slowpoints.engine.fused import Layer, Params, sources


def inputs(
    own: Cell, layer: Layer, params: Params, index: int, x: Tensor, states: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """Return what the kernel takes of one layer, in the order of `call.Inputs`.

    x: [M, B, T, I]; at steps after those of x the input is zero
    """
    found = {"input": x}
    if layer.free or layer.embed is not None:
        found = {
            name: value.unflatten(1, (1, 1) if value.shape[1] == 1 else x.shape[1:3])
            for name, value in sources(layer, x.flatten(1, 2)).items()
        }
    staged = (found[own.source_of(names)].expand(-1, *x.shape[1:3], -1) for names in own.stages)
    free = (found[stream.name] for stream in layer.free)
    return *staged, *free, *states, *_weights(own, params, index)


def _weights(own: Cell, params: Params, index: int) -> list[Tensor]:
    if not own.recurrent:
        b = params[f"{index}.b.{own.projections[0]}"]
        nothing = b.new_zeros(*b.shape, b.shape[1])
        params = params | {f"{index}.R.{name}": nothing for name in own.projections}
    return [params[name] for name in weight_names(own, index)]


def weight_names(own: Cell, index: int) -> list[str]:
    """Return the names of what the kernel takes as weights of one layer, in its order."""
    return [f"{index}.{kind}.{name}" for names in own.stages for kind in "bWR" for name in names]


def scanned(
    own: Cell, given: tuple[Tensor, ...], n_steps: int, last: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the `last` outputs of one layer, [M, B, last, k H], and its final states.

    given: as from `inputs`
    """
    out, *final = Scan.apply(own, n_steps, last, torch.is_grad_enabled(), *given)
    return out, tuple(final)


@cell(streams=("y",))
def output_map(p: Bundle, s: Bundle) -> tuple[Tensor]:
    """Return tanh(W h + b): to the kernel, one step of a cell whose state and input are what is
    mapped.
    """
    return (torch.tanh(p.y),)


def map_inputs(params: Params, index: int, y: Tensor) -> tuple[Tensor, ...]:
    """Return what the kernel takes of an output map, in the order of `call.Inputs`.

    y: [M, K, k H]
    """
    W, b = params[f"{index}.out.W"], params[f"{index}.out.b"]
    H = W.shape[2]
    first, others = y[..., :H], y[..., H:].unsqueeze(2)
    return others, first, b, W[:, H:], W[:, :H]


def mapped(params: Params, index: int, y: Tensor) -> Tensor:
    """Return the same as `recurrence.hand_up`, from the kernel.    y: [M, K, k H] -> [M, K, H]"""
    out, _ = scanned(output_map, map_inputs(params, index, y), 1, 1)
    return out.squeeze(2)
