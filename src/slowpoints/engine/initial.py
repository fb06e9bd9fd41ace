"""The parameters of one run before training (Collins et al. 2017, section 2; Haviv et al. 2019)."""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from slowpoints.cells.definition import NOTHING, Cell
from slowpoints.cells.network import Network, named_streams, shapes

PerStream = float | Mapping[str, float]  # one number for all, or {name: number}

CUT = 2.0  # standard deviations at which the normal distribution of the convolutions ends
CONVOLUTION_BIAS = 0.1
FRONT_BIAS_STD = 0.01  # of the full layers


def initialise(
    net: Network,
    *,
    rng: Generator,
    keep_bias: PerStream,
    recurrent_init: str,
    recurrent_scale: PerStream,
    input_init: str,
    input_scale: PerStream,
    bias_init: str,
    bias_scale: PerStream,
) -> dict[str, Tensor]:
    """Draw the parameters of one run before training.

    Scales and `keep_bias` are one number, or numbers by stream: what is not named has scale 1, bias
    0. Matrices without a stream are named `embed`, `out` and `readout`. Every draw is made whatever
    the scales, so runs that differ in one share the rest. None of these settings concerns a front,
    which starts as its authors' did (Haviv et al. 2019).

    Args:
        net: the shape of the network
        rng: the source of every draw
        keep_bias: added to the biases of the gates that keep the state
        recurrent_init: of the state projections: orthogonal, identity, normal or xavier; "identity"
            is never scaled
        recurrent_scale: factor on them
        input_init: of every other matrix: normal or xavier
        input_scale: factor on them
        bias_init: normal or constant
        bias_scale: its standard deviation, or the constant

    Returns:
        By name, without M, float32. Learned initial states are zero; streams of "nothing" start as
        their cell says, or at zero.

    Raises:
        ValueError: a stream that the cell does not have.

    Reference: Collins et al. 2017, section 2.
    """
    cell, params = net.cell, dict[str, Tensor]()
    given = _as_the_cell_says(net, rng)
    keep = _by_name("keep_bias", keep_bias, cell, default=0.0)
    of_state = _by_name("recurrent_scale", recurrent_scale, cell, default=1.0)
    of_input = _by_name("input_scale", input_scale, cell, default=1.0)
    of_bias = _by_name("bias_scale", bias_scale, cell, default=0.0)
    for name, shape in shapes(net).items():
        local, owner = name.partition(".")[2], _owner(name)
        if name.startswith("front."):
            params[name] = _of_front(local, shape, rng=rng)
        elif name in given:
            params[name] = given[name]
        elif local.startswith("init."):
            params[name] = torch.zeros(shape)
        elif local.startswith("R."):
            kind = "identity" if cell.recurrent_identity else recurrent_init
            params[name] = _matrix(shape, kind=kind, scale=of_state[owner], rng=rng)
        elif len(shape) == 2:
            params[name] = _matrix(shape, kind=input_init, scale=of_input[owner], rng=rng)
        else:
            params[name] = _bias(
                shape, kind=bias_init, scale=of_bias.get(owner, 0.0), rng=rng
            ) + keep.get(owner, 0.0)
    return params


def _as_the_cell_says(net: Network, rng: Generator) -> dict[str, Tensor]:
    """Return the first values of streams of "nothing" that `start` of the cell gives, layer by
    layer.
    """
    cell, found = net.cell, dict[str, Tensor]()
    known = [stream.name for stream in cell.streams if stream.of == NOTHING]
    for layer in range(net.depth):
        for stream, value in ({} if cell.start is None else cell.start(net.units, rng)).items():
            if stream not in known:
                listed = ", ".join(known) or "none"
                raise ValueError(
                    f"cell {cell.name}: start gives {stream!r}, which is no stream of nothing; "
                    f"it has: {listed}"
                )
            if value.shape != (net.units,) or value.dtype != torch.float32:
                raise ValueError(
                    f"cell {cell.name}: start gives {stream} as {value.dtype} {list(value.shape)};"
                    f" expected torch.float32 [{net.units}]"
                )
            found[f"{layer}.b.{stream}"] = value
    return found


def _owner(name: str) -> str:
    """Return the stream of a parameter, or what else it belongs to: `embed`, `out`, `readout`."""
    *_, before, last = name.split(".")
    return before if last in ("W", "b") else last


def _by_name(what: str, given: PerStream, cell: Cell, *, default: float) -> Mapping[str, float]:
    """Return a number for every name, whether one was given for all or one for some."""
    known = named_streams(cell)[what]
    if not isinstance(given, Mapping):
        return dict.fromkeys(known, given)
    if unknown := sorted(set(given) - set(known)):
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"{what}: unknown {', '.join(unknown)}; cell {cell.name} knows: {listed}")
    return dict.fromkeys(known, default) | dict(given)


def _of_front(local: str, shape: tuple[int, ...], *, rng: Generator) -> Tensor:
    """Return a parameter of the front.

    What is trained of a convolution is scaled when it is used, see `front`.
    """
    if local.startswith("full"):
        noise = torch.randn(shape, generator=rng)
        return noise / math.sqrt(shape[0]) if len(shape) == 2 else FRONT_BIAS_STD * noise
    if len(shape) == 1:
        return torch.full(shape, CONVOLUTION_BIAS)
    # of the normal distribution within the cut, uniform in its quantiles
    share = math.erf(CUT / math.sqrt(2))
    return math.sqrt(2) * torch.erfinv(share * (2 * torch.rand(shape, generator=rng) - 1))


def _bias(shape: tuple[int, ...], *, kind: str, scale: float, rng: Generator) -> Tensor:
    noise = torch.randn(shape, generator=rng)
    if kind == "normal":
        return scale * noise
    if kind == "constant":
        return torch.full(shape, scale)
    raise ValueError(f"unknown initialisation of biases {kind!r}; known: constant, normal")


def _matrix(shape: tuple[int, ...], *, kind: str, scale: float, rng: Generator) -> Tensor:
    """Return a matrix that is applied as x @ W, so its fan-in is its first axis.

    -> [n_from, n_to]

    "orthogonal": orthonormal columns, or rows where those are fewer, times `scale`.
    """
    n_from, n_to = shape
    if kind == "identity":
        return torch.eye(n_from, n_to)
    if kind == "normal":
        return scale * torch.randn(shape, generator=rng) / math.sqrt(n_from)
    if kind == "xavier":
        return scale * math.sqrt(6 / (n_from + n_to)) * (2 * torch.rand(shape, generator=rng) - 1)
    if kind == "orthogonal":
        noise = torch.randn(shape, generator=rng)
        q, r = torch.linalg.qr(noise if n_from >= n_to else noise.T)
        q = q * r.diagonal().sign()  # without the signs, q is not uniform (Mezzadri 2007)
        return scale * (q if n_from >= n_to else q.T.contiguous())
    raise ValueError(
        f"unknown initialisation {kind!r}; known: identity, normal, orthogonal, xavier"
    )
