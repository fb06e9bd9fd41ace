"""The shape of a network: layers of one cell, a read-out from the top, and what they cost in parameters."""

import bisect
import math
from dataclasses import dataclass

from slowpoints.cells.definition import Cell


@dataclass(frozen=True)
class Network:
    """Layers of equal width, stacked plainly (Collins et al. 2017, section 2), and an affine read-out."""

    cell: Cell
    n_in: int
    n_out: int
    units: int
    depth: int = 1
    learned_state: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes below one."""
        for name in ("n_in", "n_out", "units", "depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"network: {name} = {getattr(self, name)}; it must be at least 1")


def shapes(net: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of one run, by name; a stack puts M in front."""
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(net.depth):
        width = net.n_in if layer == 0 else net.units
        local = _layer_shapes(net, width, first=layer == 0)
        found |= {f"{layer}.{name}": shape for name, shape in local.items()}
    return found | {"readout.W": (net.units, net.n_out), "readout.b": (net.n_out,)}


def _layer_shapes(net: Network, width: int, *, first: bool) -> dict[str, tuple[int, ...]]:
    cell, units = net.cell, net.units
    found: dict[str, tuple[int, ...]] = {}
    if cell.embeds and first:
        found |= {"embed.W": (width, units), "embed.b": (units,)}
        width = units
    for stream in cell.streams:
        if stream.affine:
            source = width if stream.of == "input" else units
            found |= {f"W.{stream.name}": (source, units), f"b.{stream.name}": (units,)}
    found |= {f"R.{name}": (units, units) for name in cell.projections + cell.second}
    if cell.output_map:
        found |= {"out.W": (units, units), "out.b": (units,)}
    if net.learned_state:
        found |= {f"init.{state}": (units,) for state in cell.states}
    return found


def count_parameters(net: Network) -> int:
    """Return the number of parameters of one run: biases, learned initial states and read-out included."""
    return sum(math.prod(shape) for shape in shapes(net).values())


def units_for_budget(cell: Cell, *, n_in: int, n_out: int, depth: int, learned_state: bool, budget: int) -> int:
    """Return the largest number of units whose total parameter count is at most `budget`."""

    def count(units: int) -> int:
        return count_parameters(Network(cell, n_in, n_out, units, depth, learned_state))

    units = bisect.bisect_right(range(1, budget + 1), budget, key=count)
    if units == 0:
        raise ValueError(
            f"budget of {budget} parameters is too small for {cell.name} with {n_in} inputs, {n_out} outputs"
            f" and depth {depth}: one unit takes {count(1)}"
        )
    return units
