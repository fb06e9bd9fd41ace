"""What the library refuses, in words.

States, boxes, maps and derivatives that would end in a crash or in nonsense.
"""

from typing import Any

import torch
from torch import Tensor

from slowpoints.dynamics import arrays
from slowpoints.dynamics.maps import Map, one_step

# states at which a derivative is compared with differences; at a kink of the map one may fail
TRIES = 3
NUDGE = 1e-6  # length of the differences, relative to the state's size
BESIDE = 1e-2  # how far from the starts, relative to their size
ALIKE = (
    1e-6  # difference allowed between a row alone and among others, relative to the largest entry
)
ROUNDING = 4  # roundings by which the edges of a box may cross
ALONE = (
    "Every row must be moved alone, whichever others are there: with an input for every start, "
    "give starts [N, 1, S] "
    "and inputs [N, 1, I]"
)
AGREEMENT = 1e-4  # difference allowed between them, relative to the larger


def searchable(F: Map, h: Tensor, *, measure: Map, jacobian: Map, draws: bool) -> None:
    """Refuse a map, a measure or a Jacobian that a search would be misled by.

    h: [..., N, S], starts; draws: whether the map may return [K, ..., N, S]
    """
    if h.numel():
        step(F, h, draws=draws)
        pointwise(measure, h)
        derivative(F, jacobian, h)


def box(lower: Any, upper: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return both edges in the shape of the starts.

    like: [..., N, S]

    Raises ValueError where an edge is NaN or the two are swapped, and for one box of all starts
    that has no room. A start with a box of its own may have none: it stays where it is. Rows that
    are not finite are not searched.
    """
    edges = [arrays.real(edge, name="box: an edge").detach().to(like) for edge in (lower, upper)]
    try:
        low, high = (edge.expand_as(like) for edge in edges)
    except RuntimeError as error:
        shapes = " and ".join(str(list(edge.shape)) for edge in edges)
        raise ValueError(
            f"box: edges of shapes {shapes} do not broadcast over starts {list(like.shape)}"
        ) from error
    # edges from means and deviations cross by this much
    rounding = ROUNDING * torch.finfo(like.dtype).eps * high.abs()
    wrong = ~(low <= high) & ~(low - high <= rounding) & like.isfinite().all(-1, keepdim=True)
    if wrong.any():
        at = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(
            f"box: lower {low[at]:g} is not below upper {high[at]:g} at entry {list(at)} of "
            "the starts"
        )
    if max(edge.dim() for edge in edges) < 2 and like.numel() and bool((low == high).all()):
        raise ValueError(
            "box: lower equals upper in every direction, so there is no room to search in"
        )
    return low, high


def step(F: Map, h: Tensor, *, draws: bool) -> None:
    """Refuse a map that is not one step of states, differs from call to call, or does not move
    every row alone.

    h: [..., N, S]; draws: whether the map may return [K, ..., N, S]
    """
    few = h[..., :TRIES, :]
    try:
        new = one_step(F, few).detach()
    except RuntimeError as error:
        if "dtype" in str(error):
            raise TypeError(
                f"the map does not take float64 states, which the search needs: {error}"
            ) from error
        if few.shape != h.shape and _takes(F, h):
            raise ValueError(
                f"the map takes all {h.shape[-2]} starts but not {TRIES} of them. {ALONE}"
            ) from error
        raise
    if new.dim() > h.dim() and not draws:
        raise ValueError(
            f"the map turns states {list(few.shape)} into {list(new.shape)}: give several "
            "networks starts "
            f"{['R', *few.shape]}, one part for each, and several draws of an input to "
            "Expected".replace("'", "")
        )
    if new.dtype != h.dtype:
        raise TypeError(
            f"the map turns {h.dtype} into {new.dtype}; compute in float64, as with module.double()"
        )
    if not torch.equal(new.nan_to_num(), F(few).nan_to_num()):
        raise ValueError(
            "the map gives different values for one state: switch off dropout and noise, as "
            "with eval()"
        )
    if few.shape[-2] > 1:
        alone, among = one_step(F, few[..., :1, :]).detach(), new[..., :1, :]
        allowed = ALIKE * among.nan_to_num().abs().max()
        if not torch.allclose(alone, among, rtol=0, atol=float(allowed), equal_nan=True):
            raise ValueError(f"the map moves a row otherwise alone than among others. {ALONE}")


def _takes(F: Map, h: Tensor) -> bool:
    """Return whether the map takes these states."""
    try:
        F(h)
    except RuntimeError:
        return False
    return True


def pointwise(measure: Map, h: Tensor) -> None:
    """Refuse a measure that is not pointwise: whose entries depend on others.    h: [..., N, S]"""
    rng = torch.Generator().manual_seed(0)
    at = h[..., :1, :]
    before = measure(at)
    if before.shape != at.shape:
        raise ValueError(
            f"the measure turns states {list(at.shape)} into {list(before.shape)}; they must "
            "have one shape"
        )
    for _ in range(TRIES):
        moves = torch.rand(h.shape[-1], generator=rng).to(h.device) < 0.5
        after = measure(torch.where(moves, at + BESIDE, at))
        if not torch.equal(
            before.masked_fill(moves, 0).nan_to_num(), after.masked_fill(moves, 0).nan_to_num()
        ):
            raise ValueError(
                "the measure is not pointwise: an entry of it depends on other entries of the state"
            )


def derivative(F: Map, jacobian: Map, h: Tensor) -> None:
    """Compare a Jacobian with differences of the map, at a few states.

    Raise ValueError if it fails at all of them.

    A part of a map that autograd cannot see through has derivative zero there, in silence. h: [...,
    N, S]
    """
    rng = torch.Generator().manual_seed(0)
    worst = 0.0
    for n in range(min(TRIES, h.shape[-2])):
        beside, along = torch.randn(
            2, *h[..., n : n + 1, :].shape, generator=rng, dtype=h.dtype
        ).to(h.device)
        size = 1 + h[..., n : n + 1, :].abs().max()
        # units at rest are often exactly at a kink
        at = h[..., n : n + 1, :] + BESIDE * size * beside
        nudge = NUDGE * size * along / along.norm()
        moved = (F(at + nudge) - F(at - nudge)).detach()
        expected = 2 * (jacobian(at).detach() @ nudge.unsqueeze(-1)).squeeze(-1)
        larger = torch.maximum(moved.norm(), expected.norm()) + 1e-2 * nudge.norm()
        worst = float((moved - expected).norm() / larger)
        if not worst > AGREEMENT:  # NaN: the map itself is not finite there
            return
    raise ValueError(
        f"the Jacobian differs from differences of the map by {100 * worst:.2g} %: part of the "
        "map is hidden from "
        "autograd (detach, no_grad, numpy), or the `jacobian` that was given is another map's"
    )
