"""Whether another way to run a recurrence agrees with the reference loop.

Values, and gradients of all inputs.
"""

import torch
from torch import Tensor

from slowpoints import cells
from slowpoints.cells.definition import Cell
from slowpoints.engine import Network, shapes, unroll

LAST = 2  # outputs compared, beside the final states


def built(name: str) -> Cell:
    module = cells.load(name)
    found: Cell = module.build(module.Settings())
    return found


def random_params(net: Network, *, runs: int) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(net.units)
    return {
        name: (torch.randn(runs, *shape, generator=rng) / shape[0] ** 0.5 / 1.5).requires_grad_()
        for name, shape in shapes(net).items()
    }


def values_and_gradients(
    net: Network, params: dict[str, Tensor], x: Tensor, *, last: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Return outputs and final states, and the gradients of a sum over all of them."""
    out, final = unroll(net, params, x, last=last)
    values = [out, *(state for layer in final for state in layer)]
    rng = torch.Generator().manual_seed(5)
    total = sum(
        (value * torch.randn(value.shape, generator=rng).to(value.device)).sum() for value in values
    )
    wanted = [x, *(value for name, value in params.items() if not name.startswith("readout"))]
    grads = torch.autograd.grad(total, wanted, materialize_grads=True, allow_unused=True)
    return [value.detach() for value in values], list(grads)


def in_float64(params: dict[str, Tensor], x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Return the same network and input for the reference loop, which runs in float64."""
    doubled = {name: value.detach().double().requires_grad_() for name, value in params.items()}
    return doubled, x.detach().double().requires_grad_()


def case(
    name: str, *, units: int, batch: int, steps: int, depth: int
) -> tuple[Network, dict[str, Tensor], Tensor, tuple[list[Tensor], list[Tensor]]]:
    """Return a network of two runs, parameters, input, and what the reference makes of them at the
    `LAST` steps.
    """
    net = Network(built(name), n_in=3, n_out=2, units=units, depth=depth, learned_state=True)
    params = random_params(net, runs=2)
    x = torch.randn(2, batch, steps, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()
    return net, params, x, values_and_gradients(net, *in_float64(params, x), last=LAST)


def assert_close(
    found: tuple[list[Tensor], list[Tensor]], wanted: tuple[list[Tensor], list[Tensor]]
) -> None:
    """Values to 1e-6, gradients to 1e-5 of the largest of their tensor."""
    for ours, theirs in zip(found[0], wanted[0], strict=True):
        torch.testing.assert_close(ours.double(), theirs.double(), rtol=1e-6, atol=1e-6)
    for ours, theirs in zip(found[1], wanted[1], strict=True):
        scale = float(theirs.abs().max())
        torch.testing.assert_close(ours.double(), theirs.double(), rtol=0, atol=1e-5 * scale + 1e-9)
