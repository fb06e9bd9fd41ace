"""Path-SGD for rectified networks (Neyshabur, Wu, Salakhutdinov & Srebro 2016).

A rectified network computes the same when the weights into a unit are multiplied by a number and
those out of it divided by it. Gradient descent is not so: its way depends on that number. Path-SGD
divides the gradient of each weight by how much the squared paths from inputs to outputs weigh that
lead through it; then the function goes the same way, to first order, from all such networks.

Of the two terms of the authors' rescaling this is the first, which they find to suffice: the
derivative, by the squared weight, of the summed outputs of the linear network of squared weights
whose inputs are one.
"""

from dataclasses import replace

import torch
from torch import Tensor

from slowpoints.cells.definition import Bundle, cell
from slowpoints.engine import Network, readout, unroll

TINY = torch.finfo(torch.float32).tiny


@cell(streams=("state",))
def linear(p: Bundle, s: Bundle) -> tuple[Tensor]:
    """Take the sum of what comes in."""
    return (p.state,)


def carried(
    net: Network, params: dict[str, Tensor], *, n_steps: int, n_read: int
) -> dict[str, Tensor]:
    """Return how much the squared paths weigh that lead through each weight.

    Biases, and a learned initial state, are weights of an input that is one. A weight that is used
    at several steps has a path for each.

    net: a rectified network without gates; n_read: of how many last steps the outputs count;
    values of params: [m, ...]    -> the same shapes
    """
    like = params["readout.b"]
    squared = {name: value.detach().square().requires_grad_() for name, value in params.items()}
    with torch.enable_grad():
        y, _ = unroll(
            replace(net, cell=linear), squared, like.new_ones(len(like), 1, n_steps, net.n_in),
            last=n_read,
        )  # fmt: skip
        total = readout(net, squared, y).sum()
    found = torch.autograd.grad(total, list(squared.values()))
    return {name: value.clamp_min(TINY) for name, value in zip(squared, found, strict=True)}
