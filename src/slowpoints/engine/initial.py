"""The parameters of one run before training (Collins et al. 2017, section 2; Haviv et al. 2019)."""

import math

import torch
from torch import Generator, Tensor

from slowpoints.engine.network import Network, shapes

CUT = 2.0  # standard deviations at which the normal distribution of the convolutions ends
CONVOLUTION_BIAS = 0.1
FRONT_BIAS_STD = 0.01  # of the full layers


def initialise(
    net: Network,
    *,
    rng: Generator,
    keep_bias: float,
    recurrent_init: str,
    recurrent_scale: float,
    input_init: str,
    input_scale: float,
    bias_std: float,
) -> dict[str, Tensor]:
    """Return the parameters of one run, without M, float32.

    State projections follow `recurrent_init`, every other matrix `input_init`; "identity" is never scaled.
    Biases are normal with `bias_std`; the gates that keep the state get `keep_bias` on top. Learned initial
    states start at zero. Every draw is made whatever the scales, so runs that differ in one share the rest. None of
    these settings concerns a front, which starts as its authors' did (Haviv et al. 2019).
    """
    keeps = {f"b.{name}" for name in net.cell.keep}
    params: dict[str, Tensor] = {}
    for name, shape in shapes(net).items():
        local = name.partition(".")[2]
        if name.startswith("front."):
            params[name] = _of_front(local, shape, rng=rng)
        elif local.startswith("init."):
            params[name] = torch.zeros(shape)
        elif local.startswith("R."):
            kind = "identity" if net.cell.recurrent_identity else recurrent_init
            params[name] = _matrix(shape, kind=kind, scale=recurrent_scale, rng=rng)
        elif len(shape) == 2:
            params[name] = _matrix(shape, kind=input_init, scale=input_scale, rng=rng)
        else:
            shift = keep_bias if local in keeps else 0.0
            params[name] = bias_std * torch.randn(shape, generator=rng) + shift
    return params


def _of_front(local: str, shape: tuple[int, ...], *, rng: Generator) -> Tensor:
    """Return a parameter of the front: what is trained of a convolution is scaled when it is used, see `front`."""
    if local.startswith("full"):
        noise = torch.randn(shape, generator=rng)
        return noise / math.sqrt(shape[0]) if len(shape) == 2 else FRONT_BIAS_STD * noise
    if len(shape) == 1:
        return torch.full(shape, CONVOLUTION_BIAS)
    share = math.erf(CUT / math.sqrt(2))  # of the normal distribution within the cut, uniform in its quantiles
    return math.sqrt(2) * torch.erfinv(share * (2 * torch.rand(shape, generator=rng) - 1))


def _matrix(shape: tuple[int, ...], *, kind: str, scale: float, rng: Generator) -> Tensor:
    """Return a matrix that is applied as x @ W, so its fan-in is its first axis."""
    n_from, n_to = shape
    if kind == "identity":
        return torch.eye(n_from, n_to)
    if kind == "normal":
        return scale * torch.randn(shape, generator=rng) / math.sqrt(n_from)
    if kind == "xavier":
        return scale * math.sqrt(6 / (n_from + n_to)) * (2 * torch.rand(shape, generator=rng) - 1)
    if kind == "orthogonal":
        q, r = torch.linalg.qr(torch.randn(shape, generator=rng))
        return scale * q * r.diagonal().sign()  # without the signs, q is not uniform (Mezzadri 2007)
    raise ValueError(f"unknown initialisation {kind!r}; known: identity, normal, orthogonal, xavier")
