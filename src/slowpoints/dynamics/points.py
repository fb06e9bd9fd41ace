"""Fixed and slow points of a network in one call.

From states that the network visits: search in their range, search again from midpoints, merge
duplicates, classify, linearise.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from slowpoints.dynamics import arrays, checks
from slowpoints.dynamics.chords import Root
from slowpoints.dynamics.descent import FIXED, OPEN, SLOW
from slowpoints.dynamics.equation import Equation
from slowpoints.dynamics.found import FIELDS, Points
from slowpoints.dynamics.leaving import LEFT, descend_within
from slowpoints.dynamics.maps import Differentiable, Map, jacobian, measure_of, residual
from slowpoints.dynamics.modules import ModuleMap, module_map
from slowpoints.dynamics.newton import fixed_points
from slowpoints.dynamics.region import reachable
from slowpoints.dynamics.search import FIXED_SPEED
from slowpoints.dynamics.spectra import merge_duplicates, midpoints, modes

RADIUS = 1e-3  # within which points are one, relative to the spread of the visited states
ROUNDS = 3  # of searching again from midpoints, at most
NEUTRAL = 0.01  # how near to one a multiplier is where a state neither decays nor grows
MANY = 50  # points, from which on neutral ones may be a continuous attractor


class Ends(NamedTuple):
    """Where N searches ended."""

    point: Tensor  # [N, S]
    speed: Tensor  # [N]
    kind: Tensor  # [N]


Search = Callable[[Tensor], Ends]


def find_points(
    model: nn.Module | Map,
    states: Any,
    *,
    inputs: Any = None,
    n_starts: int = 1000,
    noise: float = 0.0,
    margin: float = 0.5,
    radius: float | None = None,
    seed: int = 0,
    max_iterations: int = 500,
) -> Points:
    """Find the fixed and slow points of a network.

    Args:
        model: nn.RNN, nn.GRU, nn.LSTM or one of their cells; or any function or module that takes
            one step, [N, S] -> [N, S], and moves every row alone; its own `jacobian`, `curvature`
            and `measure` are used if it has them. Of a module a copy is searched, in float64, on
            the CPU, without dropout
        states: those the network visits, [..., S], as `collect_states` returns them, or the last
            states as a module of torch returns them; a tensor or a numpy array
        inputs: of a module of torch, the input under which points are looked for, [I], or several
            ("contexts"), [C, I]; zero without it
        n_starts: how many of the states to search from, at most; drawn without replacement
        noise: deviation of normal noise on every number of a start, so that searches also begin
            beside what was visited
        margin: the search keeps to the range of the states, wider by this share at both ends
        radius: within which points are one; by default 1e-3 of the spread of the states
        seed: of the draw
        max_iterations: of the descent from each start

    Returns:
        The points, of one context after the other.

    Raises:
        TypeError, ValueError: a module that is no step from state to state; states or inputs of
            another shape; states that are not finite or all equal; no starts; a map that
            `find_slow_points` refuses.
    """
    if n_starts < 1 or not 0 <= noise < torch.inf:
        raise ValueError(
            f"n_starts is {n_starts} and noise {noise}: give at least one start, and a deviation "
            "of zero or more"
        )
    rng = torch.Generator().manual_seed(seed)
    found = []
    for context, F in enumerate(_maps(model, inputs)):
        rows = _rows(F, states)
        low, high = reachable(rows, margin=margin)
        spread = float((rows - rows.mean(0)).square().sum(-1).mean().sqrt())
        near = RADIUS * spread if radius is None else radius
        checks.searchable(
            F,
            rows,
            measure=measure_of(F),
            jacobian=partial(jacobian, F),
            draws=isinstance(F, Differentiable),
        )
        search = partial(_search, F, roots=[], low=low, high=high, max_iterations=max_iterations)
        starts = rows[torch.randperm(len(rows), generator=rng)[:n_starts]]
        if noise:
            aside = torch.randn(starts.shape, generator=rng, dtype=starts.dtype)
            starts = starts + noise * aside.to(starts.device)
        own = _searched(search, starts, n_starts=n_starts, radius=near, rng=rng)
        found.append(_points(F, own, radius=near, context=context))
    return _joined(found, notes=_in_single_precision(model))


def _maps(model: nn.Module | Map, inputs: Any) -> list[Map]:
    """Return the map of every context."""
    if not isinstance(model, nn.RNNBase | nn.RNNCellBase):
        _check_step(model)
        if inputs is not None:
            raise ValueError(
                "inputs are those of a recurrent module of torch; a function takes one step under "
                "the input it means: give one function for each input"
            )
        if isinstance(model, nn.Module):
            return [copy.deepcopy(model).double().cpu().eval()]
        return [model]
    x = torch.zeros(model.input_size) if inputs is None else torch.as_tensor(inputs)
    if x.dim() == 2 and not len(x):
        raise ValueError(f"inputs have shape {list(x.shape)}; give at least one")
    return [module_map(model, own) for own in (x if x.dim() == 2 else x[None])]


def _check_step(model: nn.Module | Map) -> None:
    """Refuse what takes no step, such as a module around a recurrent one."""
    inner = model.named_modules() if isinstance(model, nn.Module) else ()
    named = [name for name, own in inner if isinstance(own, nn.RNNBase | nn.RNNCellBase)]
    if named:
        raise TypeError(
            f"{type(model).__name__} is no recurrent module but contains some "
            f"({', '.join(named)}): give model.{named[0]} and its states, or a function that takes "
            "one step, from states [N, S] to states [N, S]"
        )
    if not callable(model):
        raise TypeError(f"{type(model).__name__} takes no step from states to states")


def _in_single_precision(model: nn.Module | Map) -> tuple[str, ...]:
    """Return what to say of a module that is not in float64."""
    weights = list(model.parameters()) if isinstance(model, nn.Module) else []
    if not weights or weights[0].dtype == torch.float64:
        return ()
    return (
        f"searched in float64; the module is in {str(weights[0].dtype).removeprefix('torch.')}",
    )


def _rows(F: Map, states: Any) -> Tensor:
    """Return the visited states in rows, in float64.    -> [N, S]"""
    if isinstance(F, ModuleMap):
        is_one = not isinstance(states, tuple | list)
        is_packed = is_one and torch.as_tensor(states).shape[-1:] in ((), (F.width,))
        states = states if is_packed else F.pack(states)
    rows = arrays.states(states, name="states").flatten(0, -2).double()
    return arrays.finite(
        rows.cpu() if isinstance(F, nn.Module | ModuleMap) else rows, name="states"
    )


def _search(
    F: Map, start: Tensor, *, roots: list[Root], low: Tensor, high: Tensor, max_iterations: int
) -> Ends:
    """Return where the search from every start ends.

    What Newton's method leads to a fixed point ends there. All others begin anew, by the descent
    that also finds slow points. roots: those found so far, from which searches are led
    """
    measure = measure_of(F)
    h, speed = start, torch.full_like(start[:, 0], torch.inf)
    if residual(F, start[:1]).shape[-1] == start.shape[-1]:  # no draws of a noise
        h, speed = fixed_points(Equation(F, measure, low, high, FIXED_SPEED), start, roots)
    kind = torch.where(speed <= FIXED_SPEED, FIXED, OPEN)
    rows = (kind == OPEN).nonzero().flatten()
    h[rows], speed[rows], slower = descend_within(
        F, start[rows], measure=measure, low=low, high=high, max_iterations=max_iterations
    )
    kind[rows] = slower.to(kind)
    return Ends(h, speed, kind)


def _searched(
    search: Search, starts: Tensor, *, n_starts: int, radius: float, rng: torch.Generator
) -> Ends:
    """Return where searches ended, from the starts and then from between what they found."""
    found = search(starts)
    known = 1
    for _ in range(ROUNDS):
        fixed = found.point[found.kind == FIXED]
        distinct = fixed[merge_duplicates(fixed, radius=radius).unique()]
        is_continuum = len(distinct) > max(MANY, len(fixed) / 2)  # hardly two searches end alike
        if len(distinct) <= known or is_continuum:
            break
        known = len(distinct)
        between = midpoints(distinct)
        chosen = torch.randperm(len(between), generator=rng)[:n_starts]
        more = search(between[chosen])
        found = Ends(*(torch.cat(both) for both in zip(found, more, strict=True)))
    return found


def _points(F: Map, found: Ends, *, radius: float, context: int) -> Points:
    """Merge, order and linearise what searches under one input found."""
    order = found.speed.argsort(stable=True)
    order = order[(found.kind[order] == FIXED) | (found.kind[order] == SLOW)]
    first, count = merge_duplicates(found.point[order], radius=radius).unique(return_counts=True)
    kept = order[first]
    states = found.point[kept]
    eigenvalues, vectors = modes(jacobian(F, states))
    return Points(
        states=states,
        speed=found.speed[kept],
        kind=found.kind[kept],
        eigenvalues=eigenvalues,
        leading=vectors[..., 0],
        count=count,
        context=torch.full_like(count, context),
        n_open=int((found.kind == OPEN).sum()),
        n_left=int((found.kind == LEFT).sum()),
        notes=_of_a_continuum(eigenvalues),
    )


def _of_a_continuum(eigenvalues: Tensor) -> tuple[str, ...]:
    """Return what to say where many points have a direction that neither decays nor grows."""
    neutral = int(((eigenvalues - 1).abs().amin(-1) < NEUTRAL).sum())
    if len(eigenvalues) <= MANY or 2 * neutral <= len(eigenvalues):
        return ()
    return (
        f"{neutral} of {len(eigenvalues)} points have a direction that neither decays nor grows: "
        "they may be samples of a continuous attractor, a line or ring of states",
    )


def _joined(found: list[Points], *, notes: tuple[str, ...]) -> Points:
    """Return the points of all contexts."""
    fields = {name: torch.cat([getattr(own, name) for own in found]) for name in FIELDS}
    notes += tuple(dict.fromkeys(note for own in found for note in own.notes))
    n_open, n_left = (sum(getattr(own, name) for own in found) for name in ("n_open", "n_left"))
    return Points(**fields, n_open=n_open, n_left=n_left, notes=notes)
