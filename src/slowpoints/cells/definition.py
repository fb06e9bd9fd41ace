"""What a cell is: streams of the input, projections of the state, and elementwise math between
them.

One step of one layer, for the whole stack at once (all tensors [M, B, H]):

    p.<name> = W x + b + R h         streams that have a projection of the same name
    p.<name> = W x + b + R read      the same, for the projections listed under `second`
    p.<name> = W x + b               all these, in a cell that is not `recurrent`: states meet
        elementwise alone
    p.<name> = W x + b, or x itself  streams without a projection
    p.<name> = b                     streams of "nothing": a number per unit, the same at every step
    new states = step(p, s)          elementwise; s.<name> are the states

From these lines the engine derives the unroll, the parameter count, the initialisation and exact
Jacobians.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


class Bundle:
    """Tensors of equal shape [M, B, H], read by name: `p.gate`, `s.h`."""

    def __init__(self, values: dict[str, Tensor]) -> None:
        """Make every tensor an attribute."""
        vars(self).update(values)

    def __getattr__(self, name: str) -> Tensor:
        """Refuse a name that is not there."""
        raise AttributeError(f"no {name!r} here; known: {', '.join(vars(self))}")


Pointwise = Callable[[Tensor], Tensor]
Step = Callable[[Bundle, Bundle], tuple[Tensor, ...]]
Read = Callable[[Bundle, Bundle], Tensor]
Start = Callable[[int, torch.Generator], dict[str, Tensor]]

NOTHING = "nothing"
ACTIVATIONS: dict[str, Pointwise] = {"tanh": torch.tanh, "relu": torch.relu}


def identity(h: Tensor) -> Tensor:
    """Return the state as it is: the default measure."""
    return h


def positive(a: Tensor) -> Tensor:
    """Return g(a) = a + 1/2 for a >= 0, sigmoid(a) below: continuous, above zero (Feng et al.
    2024).
    """
    return torch.relu(a) + torch.sigmoid(-torch.relu(-a))


@dataclass(frozen=True)
class Stream:
    """One contribution of the input: an affine map of it, or of an earlier stream."""

    name: str
    of: str = "input"  # or "nothing", or the name of an earlier stream without a projection
    affine: bool = True  # False: the source itself, no parameters
    through: Pointwise = identity  # applied to the stream, over all steps at once


@dataclass(frozen=True)
class Cell:
    """A cell as plain data; made by the decorator `cell`."""

    name: str
    step: Step
    streams: tuple[Stream, ...]
    projections: tuple[str, ...]  # streams that also get R h
    second: tuple[str, ...]  # streams that get R read(p, s): a matmul that waits for the first
    recurrent: bool  # False: no parameters R, as if all were zero
    read: Read | None
    states: tuple[str, ...]  # the first one is what the projections see
    keep: tuple[str, ...]  # streams whose bias means "remember"
    emitted: int  # step returns (*new states, y, ...): so many y go up, side by side; 0: the state
    embeds: bool  # layer 1 first maps the input affinely to H
    output_map: bool  # y = tanh(W_y s + b_y), after the scan; it makes several y as wide as one
    # per state: the quantity whose displacement in one step is the speed
    measure: tuple[Pointwise, ...]
    recurrent_identity: bool  # R always starts as the identity
    # (units, rng) -> the first values of streams of "nothing", by name, each [H]
    start: Start | None

    @property
    def free(self) -> tuple[Stream, ...]:
        """Streams without a projection."""
        return tuple(
            stream for stream in self.streams if stream.name not in self.projections + self.second
        )

    @property
    def looks_ahead(self) -> bool:
        """Whether something other than the projections is computed from the input of a step: then
        steps without input are not simply left out.
        """
        constant = {NOTHING}
        for stream in self.free:
            if stream.of in constant:
                constant.add(stream.name)
        varies = any(stream.name not in constant for stream in self.free)
        return self.embeds or varies or any(self.source_of(own) != "input" for own in self.stages)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Names of the streams that are projected together: at once, and after `read`."""
        return (self.projections, self.second) if self.second else (self.projections,)

    def source_of(self, names: tuple[str, ...]) -> str:
        """Return what the streams of a stage are computed from: "input" or a free stream."""
        (source,) = {stream.of for stream in self.streams if stream.name in names}
        return source


def cell(
    *,
    streams: tuple[str | Stream, ...],
    projections: tuple[str, ...] | None = None,
    second: tuple[str, ...] = (),
    recurrent: bool = True,
    read: Read | None = None,
    states: tuple[str, ...] = ("h",),
    keep: tuple[str, ...] = (),
    emitted: int = 0,
    embeds: bool = False,
    output_map: bool = False,
    measure: tuple[Pointwise, ...] | None = None,
    recurrent_identity: bool = False,
    start: Start | None = None,
) -> Callable[[Step], Cell]:
    """Make a cell of the function that takes one step.

    Args:
        streams: contributions of the input, each a name or a `Stream`
        projections: streams that also get R h; by default every stream not under `second`
        second: streams that get R read(p, s), a product that waits for the first
        recurrent: False for a cell without any R
        read: (p, s) -> what `second` projects, [M, B, H]
        states: names of the states; the first one is what the projections see
        keep: streams whose bias means "remember"
        emitted: how many y the step returns after the new states; they go up, side by side, while
            the states go through time. By default the first state goes up
        embeds: layer 1 first maps the input affinely to H
        output_map: y = tanh(W_y s + b_y), after the scan
        measure: per state, the quantity whose displacement in one step is the speed
        recurrent_identity: R always starts as the identity
        start: (units, rng) -> the first values of streams of "nothing", by name, each [H]

    Returns:
        A decorator that turns `step(p, s) -> new states` into a `Cell` of the function's name.

    Raises:
        ValueError: a definition that the engine cannot run, with what would be right.
    """
    full = tuple(Stream(stream) if isinstance(stream, str) else stream for stream in streams)
    if projections is None:
        projections = tuple(stream.name for stream in full if stream.name not in second)

    def define(step: Step) -> Cell:
        made = Cell(
            name=step.__name__,
            step=step,
            streams=full,
            projections=projections,
            second=second,
            recurrent=recurrent,
            read=read,
            states=states,
            keep=keep,
            emitted=emitted,
            embeds=embeds,
            output_map=output_map,
            measure=measure or (identity,) * len(states),
            recurrent_identity=recurrent_identity,
            start=start,
        )
        _check(made)
        return made

    return define


def _check(made: Cell) -> None:
    """Refuse a definition the engine cannot run, saying what would be right."""
    by_name = {stream.name: stream for stream in made.streams}
    projected = made.projections + made.second
    free = {stream.name for stream in made.free}
    for word, listed in (
        ("projections", made.projections),
        ("second", made.second),
        ("keep", made.keep),
    ):
        if unknown := sorted(set(listed) - set(by_name)):
            raise ValueError(
                f"cell {made.name}: {word} {unknown} are not streams; known: {sorted(by_name)}"
            )
    if not made.projections:
        raise ValueError(f"cell {made.name}: no projection of the state; name at least one stream")
    if made.second and not made.recurrent:
        raise ValueError(
            f"cell {made.name}: `second` projects what `read` returns, so the cell is recurrent"
        )
    if made.emitted > 1 and not made.output_map:
        raise ValueError(f"cell {made.name}: emits {made.emitted} numbers a unit: needs output_map")
    if bool(made.second) != (made.read is not None):
        raise ValueError(f"cell {made.name}: give `second` and `read` together, or neither")
    for name in projected:
        if not by_name[name].affine or by_name[name].through is not identity:
            raise ValueError(
                f"cell {made.name}: {name!r} has a projection, so it must be plain affine"
            )
    for stage in (made.projections, made.second):
        if len({by_name[name].of for name in stage}) > 1:
            raise ValueError(
                f"cell {made.name}: {list(stage)} are computed at once: give them one source"
            )
    if wrong := sorted({stream.of for stream in made.streams} - free - {"input", NOTHING}):
        raise ValueError(
            f"cell {made.name}: {wrong} cannot be sources; known: "
            f"{['input', NOTHING, *sorted(free)]}"
        )
    if wrong := sorted(name for name, stream in by_name.items() if stream.of == NOTHING and (
            name in projected or not stream.affine)):  # fmt: skip
        raise ValueError(f"cell {made.name}: {wrong} are of nothing, so they are a bias alone")
    if len(made.measure) != len(made.states):
        raise ValueError(f"cell {made.name}: {len(made.states)} states need as many measures")
