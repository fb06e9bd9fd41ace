"""A network of an ensemble as a layer of torch, where torch has its cell."""

import torch
from torch import Tensor, nn

from slowpoints.cells.definition import Bundle
from slowpoints.cells.network import Network

# torch's order of the gates of an LSTM
GATES = {"rnn": ("state",), "lstm": ("input", "forget", "candidate", "output")}
TRIED = 0.7  # an input at which the nonlinearity of a cell is recognised


@torch.no_grad()
def converted(net: Network, params: dict[str, Tensor]) -> tuple[nn.RNN | nn.LSTM, nn.Linear]:
    """Return the one network of a stack as torch's layer and its read-out.

    params: values [1, ...]
    """
    (n,) = {len(value) for value in params.values()}
    if n != 1:
        raise ValueError(f"{n} networks; take one first, as in ensemble[0].to_torch()")
    if net.cell.name not in GATES or net.learned_state:
        raise ValueError(
            f"torch has no layer for {net.cell.name}"
            f"{' with a learned state' if net.learned_state else ''}; it has one for "
            f"{' and '.join(GATES)} that start at zero"
        )
    layer = _empty(net).to(params["readout.W"])
    gates = GATES[net.cell.name]
    for index in range(net.depth):
        for kind, name in (("W", "weight_ih"), ("R", "weight_hh"), ("b", "bias_ih")):
            parts = [params[f"{index}.{kind}.{gate}"][0] for gate in gates]
            getattr(layer, f"{name}_l{index}").copy_(torch.cat(parts, -1).t())
        getattr(layer, f"bias_hh_l{index}").zero_()
    head = nn.Linear(net.units, net.n_out).to(params["readout.W"])
    head.weight.copy_(params["readout.W"][0].T)
    head.bias.copy_(params["readout.b"][0])
    return layer, head


def _empty(net: Network) -> nn.RNN | nn.LSTM:
    """Return torch's layer of the same shape."""
    sizes = {"num_layers": net.depth, "batch_first": True}
    if net.cell.name == "lstm":
        return nn.LSTM(net.n_in, net.units, **sizes)
    return nn.RNN(net.n_in, net.units, nonlinearity=_nonlinearity(net), **sizes)


def _nonlinearity(net: Network) -> str:
    """Return the name of the nonlinearity of a plain cell."""
    given = torch.full((1, 1, 1), TRIED)
    (new,) = net.cell.step(Bundle({"state": given}), Bundle({"h": given}))
    return "relu" if torch.equal(new, given) else "tanh"
