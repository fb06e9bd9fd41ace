"""The loss of a stack with all its gradients in one pass, where the compiled kernel runs."""

from dataclasses import replace

import torch
from torch import Tensor

from slowpoints.cells.network import Network
from slowpoints.engine.border import Asked, check_asked, check_input
from slowpoints.engine.compiled_layer import inputs, map_inputs, output_map, scanned
from slowpoints.engine.cpu.one_pass import OnePass
from slowpoints.engine.fused import Params, prepare_layer
from slowpoints.engine.recurrence import entering, is_compiled, start, unroll


def loss_in_one_pass(
    net: Network, params: Params, x: Tensor, asked: Asked, *, silent: int = 0
) -> Tensor | None:
    """Return the loss of the outputs at the last steps, to be differentiated by parameters.

    The trace of a sequence is used while it is in the nearest caches, so that it is faster than
    `unroll` and `readout`.

    Args:
        net: the shape of the network
        params: by name, each [M, ...]
        x: [M, B, T - silent, I]
        asked: what the outputs are compared with
        silent: steps after those given, at which the input is zero

    Returns:
        [M]; None where it has to be computed otherwise: on a GPU, without a compiler, of a cell
        without a kernel, and where no gradient is wanted.

    Raises:
        ValueError: parameters, inputs or targets that do not fit the network or each other.
    """
    if not torch.is_grad_enabled() or not is_compiled(net, x):
        return None
    last, top = asked.weight.shape[-1], net.depth - 1
    check_input(net, params, x, silent=silent, last=last)
    check_asked(net, x, asked)
    n_steps = x.shape[2] + silent
    if top:
        x, _ = unroll(replace(net, depth=top), params, x, silent=silent)
    else:
        x = entering(net, params, x, silent=silent, compiled=True)
    first = start(net, params, batch=x.shape[1])[top]
    layer = prepare_layer(net.cell, params, top, staged=False)
    given = inputs(net.cell, layer, params, top, x, first)
    out = params["readout.W"], params["readout.b"]
    loss: Tensor
    if net.cell.output_map:  # to the kernel another layer, of one step
        y, _ = scanned(net.cell, given, n_steps, last)
        given = map_inputs(params, top, y.flatten(1, 2))
        loss = OnePass.apply(output_map, 1, asked.by_row(), *out, *given)
    else:
        loss = OnePass.apply(net.cell, n_steps, asked, *out, *given)
    return loss
