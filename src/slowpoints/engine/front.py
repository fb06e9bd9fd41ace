"""What the lowest layer sees: the features that a convolutional front makes of frames (Haviv et al.
2019, CIFAR-10).

Each block is a 3 by 3 convolution that keeps the size, a leaky rectifier (slope 0.2) and the
maximum over 2 by 2 pixels; then full layers, each with the same rectifier. What is trained is not
the kernel but the kernel times sqrt(channels in x channels out), as in the authors' graph: their
optimiser moves the kernels of wide layers slowly.

Departs: the authors' optimiser (TensorFlow's Adam) adds its epsilon to the root of the mean square
before that is corrected for its start, ours after (Kingma & Ba 2015): in the first thousand steps
our epsilon weighs less, so that parameters with gradients of about 1e-8, as the upper convolutions
have at first, move further. The authors' fine-tuning trained the kernels themselves; here it goes
on with the scaled ones, so that it continues the training.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, leaky_relu, max_pool2d

from slowpoints.cells.network import Front, Network, front_shapes

SLOPE = 0.2  # of the rectifiers below zero
NUMBERS = {  # computed at once: more frames are taken in slices
    "cpu": 4_000_000,  # measured: what fits into the caches takes half the time
    "cuda": 100_000_000,
}


def see(net: Network, params: dict[str, Tensor], x: Tensor) -> Tensor:
    """Compute what the lowest layer sees: features of the frame, then inputs beyond it.

    Run by run: frames are large, and so a run alone is bit-identical to the run in a stack.

    Args:
        x: [M, ..., I]

    Returns:
        [M, ..., features + beyond]; x itself without a front.
    """
    front = net.front
    if front is None:
        return x
    frames, beyond = x.split([front.n_in, net.n_in - front.n_in], -1)
    names = front_shapes(front)
    own = (
        dict(zip(names, values, strict=True))
        for values in zip(*(params[n].unbind() for n in names), strict=True)
    )
    seen = [
        _features(front, weights, frame)
        for weights, frame in zip(own, frames.unbind(), strict=True)
    ]
    return torch.cat([torch.stack(seen), beyond], -1)


def _features(front: Front, own: dict[str, Tensor], frames: Tensor) -> Tensor:
    """Return the features of frames, from the parameters of one run.

    frames: [..., C H W] -> [..., features]
    """
    blocks = [
        _kernel(own[f"front.conv{i}.W"], own[f"front.conv{i}.b"]) for i in range(front.blocks)
    ]
    full = [(own[f"front.full{i}.W"], own[f"front.full{i}.b"]) for i in range(len(front.widths))]
    parts = []
    for y in frames.reshape(-1, front.n_in).split(
        max(1, NUMBERS[frames.device.type] // front.n_numbers)
    ):
        y = y.unflatten(1, front.frame)
        for W, b in blocks:
            # the rectifier grows: either order
            y = leaky_relu(max_pool2d(conv2d(y, W, b, padding=1), 2), SLOPE)
        y = y.flatten(1)
        for W, b in full:
            y = leaky_relu(torch.addmm(b, y, W), SLOPE)
        parts.append(y)
    return torch.cat(parts).reshape(*frames.shape[:-1], front.n_out)


def _kernel(W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return kernel and biases from what is trained.    W: [maps, C, 3, 3], b: [maps]"""
    return W / math.sqrt(W.shape[0] * W.shape[1]), b / math.sqrt(len(b))
