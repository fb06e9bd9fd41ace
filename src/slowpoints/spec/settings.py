"""The settings of a network and of a task, as a run has them."""

from dataclasses import dataclass
from typing import Any, Literal

# one number for all, or {name: number}; `engine.initialise` knows the names
PerStream = float | dict[str, float]


@dataclass(frozen=True)
class NetSettings:
    """What every network has; a cell's own settings stand beside these in the `net` block."""

    cell: str
    units: int | None = None
    budget: int | None = None  # parameters: the largest number of units that fits
    depth: int = 1
    initial_state: Literal["zero", "learned"] = "zero"
    keep_bias: PerStream = 0.0  # added to the biases of the gates that keep the state
    recurrent_init: Literal["orthogonal", "identity", "normal", "xavier"] = "orthogonal"
    recurrent_scale: PerStream = 1.0
    input_init: Literal["normal", "xavier"] = "normal"
    input_scale: PerStream = 1.0
    bias_init: Literal["normal", "constant"] = "normal"
    bias_scale: PerStream = (
        0.0  # of the normal distribution, or the constant, which may be negative
    )
    front: Literal["none", "conv"] = (
        "none"  # what frames pass before the recurrence (Haviv et al. 2019, CIFAR-10)
    )
    front_maps: int = 128
    front_blocks: int = 3
    front_widths: tuple[int, ...] = (2048, 2048, 1024)  # of its full layers

    def __post_init__(self) -> None:
        if (self.units is None) == (self.budget is None):
            raise ValueError("give exactly one of units (per layer) and budget (parameters in all)")
        for name in ("units", "budget", "depth"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        for name in ("front_maps", "front_blocks", "front_widths"):
            value = getattr(self, name)
            if min(value if name == "front_widths" else [value], default=1) < 1:
                raise ValueError(f"{name} must be at least 1, found {value}")


@dataclass(frozen=True)
class NetBlock(NetSettings):
    """The `net` block of a run: what every network has, and the cell's own settings."""

    own: Any = None  # the `Settings` of the cell

    def as_json(self) -> dict[str, Any]:
        """Return all of them side by side, as a YAML and a record have them."""
        return {name: value for name, value in vars(self).items() if name != "own"} | vars(self.own)


@dataclass(frozen=True)
class TaskBlock:
    """The `task` block of a run."""

    name: str
    settings: Any  # the `Settings` of the task

    def as_json(self) -> dict[str, Any]:
        """Return the name beside the settings, as a YAML and a record have them."""
        return {"name": self.name} | vars(self.settings)


# What may differ between the runs of one stack; everything else is part of the stack's shape.
PER_RUN_NET = (
    "keep_bias",
    "recurrent_init",
    "recurrent_scale",
    "input_init",
    "input_scale",
    "bias_init",
    "bias_scale",
)
