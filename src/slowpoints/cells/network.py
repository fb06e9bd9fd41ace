"""The shape of a network: a front if there is one, layers of one cell, a read-out.

What they cost in parameters.
"""

import bisect
import itertools
import math
from dataclasses import dataclass

from slowpoints.cells.definition import NOTHING, Cell
from slowpoints.spec.settings import NetBlock

# Settings of a network that are one number, or numbers by stream.
BY_STREAM = ("keep_bias", "recurrent_scale", "input_scale", "bias_scale")


@dataclass(frozen=True)
class Front:
    """Convolutions that every frame passes before the recurrence (Haviv et al. 2019, CIFAR-10),
    then full layers.
    """

    frame: tuple[int, int, int]  # channels, height, width
    maps: int = 128  # of each block: 3 by 3 convolution, 2 by 2 maximum
    blocks: int = 3
    widths: tuple[int, ...] = (2048, 2048, 1024)  # of the full layers

    def __post_init__(self) -> None:
        """Refuse sizes below one, and blocks that leave nothing of a frame."""
        if min(self.maps, self.blocks, *self.frame, *self.widths) < 1:
            raise ValueError(f"front: every size must be at least 1, found {self}")
        if min(self.frame[1:]) < 2**self.blocks:
            raise ValueError(
                f"front: {self.blocks} blocks leave nothing of {self.frame[1]} by "
                f"{self.frame[2]} pixels"
            )

    @property
    def sides(self) -> list[tuple[int, int]]:
        """Return height and width of the frame, and of what each block hands on."""
        return [(self.frame[1] >> i, self.frame[2] >> i) for i in range(self.blocks + 1)]

    @property
    def full(self) -> list[int]:
        """Return what the full layers get, and the width of each."""
        return [self.maps * math.prod(self.sides[-1]), *self.widths]

    @property
    def n_in(self) -> int:
        """Return the numbers in a frame."""
        return math.prod(self.frame)

    @property
    def n_out(self) -> int:
        """Return the number of features."""
        return self.full[-1]

    @property
    def n_numbers(self) -> int:
        """Return how many numbers are computed for one frame."""
        return self.maps * sum(math.prod(side) for side in self.sides[:-1]) + sum(self.widths)


@dataclass(frozen=True)
class Network:
    """Layers of equal width, stacked plainly (Collins et al. 2017, section 2), and an affine
    read-out.
    """

    cell: Cell
    n_in: int
    n_out: int
    units: int
    depth: int = 1
    learned_state: bool = False
    front: Front | None = None

    def __post_init__(self) -> None:
        """Refuse sizes below one."""
        for name in ("n_in", "n_out", "units", "depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"network: {name} = {getattr(self, name)}; it must be at least 1")
        if self.front is not None and self.front.n_in > self.n_in:
            raise ValueError(
                f"network: {self.n_in} inputs are fewer than the {self.front.n_in} numbers "
                "of a frame"
            )

    @property
    def n_seen(self) -> int:
        """Return how many inputs the lowest layer has.

        The features of the frame, if any, and what is beyond it.
        """
        return self.n_in if self.front is None else self.front.n_out + self.n_in - self.front.n_in

    @property
    def n_numbers(self) -> int:
        """Return about how many numbers one sequence takes per step."""
        of_front = 0 if self.front is None else self.front.n_numbers
        return self.n_in + of_front + 8 * self.units * self.depth


def shapes(net: Network) -> dict[str, tuple[int, ...]]:
    """List the shape of every parameter of one run, by name.

    Returns:
        {name: shape}, such as {"0.W.reset": (I, H)}; a stack puts M in front.
    """
    found = {} if net.front is None else front_shapes(net.front)
    for layer in range(net.depth):
        width = net.n_seen if layer == 0 else net.units
        local = _layer_shapes(net, width, first=layer == 0)
        found |= {f"{layer}.{name}": shape for name, shape in local.items()}
    return found | {"readout.W": (net.units, net.n_out), "readout.b": (net.n_out,)}


def front_shapes(front: Front) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a front, by name."""
    found: dict[str, tuple[int, ...]] = {}
    for i in range(front.blocks):
        channels = front.frame[0] if i == 0 else front.maps
        found |= {
            f"front.conv{i}.W": (front.maps, channels, 3, 3),
            f"front.conv{i}.b": (front.maps,),
        }
    for i, (width, next_width) in enumerate(itertools.pairwise(front.full)):
        found |= {f"front.full{i}.W": (width, next_width), f"front.full{i}.b": (next_width,)}
    return found


def _layer_shapes(net: Network, width: int, *, first: bool) -> dict[str, tuple[int, ...]]:
    cell, units = net.cell, net.units
    found: dict[str, tuple[int, ...]] = {}
    if cell.embeds and first:
        found |= {"embed.W": (width, units), "embed.b": (units,)}
        width = units
    for stream in cell.streams:
        if stream.of == NOTHING:
            found[f"b.{stream.name}"] = (units,)
        elif stream.affine:
            source = width if stream.of == "input" else units
            found |= {f"W.{stream.name}": (source, units), f"b.{stream.name}": (units,)}
    if cell.recurrent:
        found |= {f"R.{name}": (units, units) for name in cell.projections + cell.second}
    if cell.output_map:
        found |= {"out.W": (max(1, cell.emitted) * units, units), "out.b": (units,)}
    if net.learned_state:
        found |= {f"init.{state}": (units,) for state in cell.states}
    return found


def count_parameters(net: Network) -> int:
    """Count the parameters of one run.

    Returns:
        Weights, biases, learned initial states and read-out together.
    """
    return sum(math.prod(shape) for shape in shapes(net).values())


def units_for_budget(
    cell: Cell,
    *,
    n_in: int,
    n_out: int,
    depth: int,
    learned_state: bool,
    budget: int,
    front: Front | None = None,
) -> int:
    """Find the largest number of units whose parameters fit a budget.

    Args:
        cell: of every layer
        n_in, n_out: inputs and outputs of the network
        depth: layers
        learned_state: whether initial states are parameters too
        budget: parameters in all, at most
        front: what frames pass before the recurrence, counted too

    Raises:
        ValueError: a budget under which not even one unit fits.
    """

    def count(units: int) -> int:
        return count_parameters(Network(cell, n_in, n_out, units, depth, learned_state, front))

    units = bisect.bisect_right(range(1, budget + 1), budget, key=count)
    if units == 0:
        raise ValueError(
            f"budget of {budget} parameters is too small for {cell.name} with {n_in} inputs, "
            f"{n_out} outputs"
            f" and depth {depth}: one unit takes {count(1)}"
        )
    return units


def from_settings(
    cell: Cell,
    net: NetBlock,
    *,
    n_in: int,
    n_out: int,
    frame: tuple[int, int, int] | None,
    units: int | None = None,
) -> Network:
    """Return the network that a `net` block describes.

    frame: channels, height and width of what the task shows, if it shows frames
    units: of each layer, in place of those of the block or of those that its budget allows
    """
    front = None
    if net.front == "conv" and frame is not None:
        front = Front(frame, maps=net.front_maps, blocks=net.front_blocks, widths=net.front_widths)
    learned, units = net.initial_state == "learned", units or net.units
    if units is None:
        assert net.budget is not None, "a net block has units or a budget"
        units = units_for_budget(
            cell,
            n_in=n_in,
            n_out=n_out,
            depth=net.depth,
            learned_state=learned,
            budget=net.budget,
            front=front,
        )
    return Network(
        cell, n_in, n_out, units=units, depth=net.depth, learned_state=learned, front=front
    )


def named_streams(cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return the names by which each setting of `BY_STREAM` may give its numbers.

    Matrices that belong to no stream are named `embed`, `out` and `readout`.
    """
    matrices = [stream.name for stream in cell.streams if stream.affine and stream.of != NOTHING]
    matrices += ["embed"] * cell.embeds + ["out"] * cell.output_map + ["readout"]
    return {
        "keep_bias": cell.keep,
        "recurrent_scale": (*cell.projections, *cell.second) if cell.recurrent else (),
        "input_scale": tuple(matrices),
        "bias_scale": tuple(matrices),
    }
