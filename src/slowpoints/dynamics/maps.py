"""One step of a map: its displacement, its Jacobian, and the curvature of the squared displacement.

A map that has derivatives of its own (`Differentiable`) is asked for them. Those of any other are
taken in reverse mode, all rows at once: per row it is cheaper than forward mode here.

A map may return the next state under K draws of a noise, [K, ..., N, S] (see `expected`). Its
residual is that of all draws side by side over sqrt(K), R = K S numbers, so that its square is the
mean over the draws; else R = S.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.func import vjp, vmap

from slowpoints.dynamics import arrays

Map = Callable[[Tensor], Tensor]
Curvature = Callable[[Tensor, Tensor], Tensor]  # of states and weights, see `curvature`

CHUNK_NUMBERS = 1_000_000  # numbers held per intermediate of a vmapped derivative: 8 MB in float64

HIDDEN = (
    "autograd cannot see through this map (detach, no_grad, or numpy in it): leave them out, "
    "or give "
    "find_slow_points its `jacobian` and `curvature`"
)


def identity(h: Tensor) -> Tensor:
    """Return the state itself: the default measure of a displacement.    h: [..., S] -> [..., S]"""
    return h


def one_step(F: Map, h: Tensor) -> Tensor:
    """Return F(h); what is not a tensor of states is an error.

    [..., N, S] -> [..., N, S] or [K, ..., N, S]
    """
    new: Any = F(h)
    if not isinstance(new, Tensor):
        raise TypeError(
            f"the map returns {type(new).__name__}; return one tensor, all states side by "
            "side: [N, S]"
        )
    if new.shape != h.shape and new.shape[1:] != h.shape:
        raise ValueError(
            f"the map turns states {list(h.shape)} into {list(new.shape)}; they must have one shape"
        )
    return new


def residual(F: Map, h: Tensor, *, measure: Map = identity) -> Tensor:
    """Compute the displacement r(h) = g(F(h)) - g(h), without its graph.

    Args:
        F: a map [..., N, S] -> [..., N, S]
        h: states [..., N, S]
        measure: g, pointwise

    Returns:
        [..., N, R]; R is S for a plain map.

    Raises:
        TypeError, ValueError: what is no array of states.
    """
    h = arrays.states(h, name="h")
    return side_by_side(
        measure(one_step(F, h)) - measure(h), n_dims=h.dim(), axis=h.dim() - 1
    ).detach()


def side_by_side(draws: Tensor, *, n_dims: int, axis: int) -> Tensor:
    """Return what K draws give in one row, over sqrt(K); what a single map gives, as it is.

    draws: [K, ..., N, S, (S)] -> [..., N, R, (S)]; n_dims: without K; axis: where R will be
    """
    if draws.dim() == n_dims:
        return draws
    return draws.movedim(0, axis).flatten(axis, axis + 1) / len(draws) ** 0.5


def apart(r: Tensor, n_states: int) -> Tensor:
    """Return what `side_by_side` joined, over sqrt(K) once more.

    r: [..., N, R] -> [K, ..., N, S], or r if R = S
    """
    if r.shape[-1] == n_states:
        return r
    n_draws = r.shape[-1] // n_states
    return r.unflatten(-1, (n_draws, n_states)).movedim(-2, 0) / n_draws**0.5


def speed(F: Map, h: Tensor, *, measure: Map = identity) -> Tensor:
    """Compute the speed of states: |g(F(h)) - g(h)|, the root of summed squares.

    Args:
        F: a map [..., N, S] -> [..., N, S]
        h: states [..., N, S]
        measure: g, pointwise

    Returns:
        [..., N], in units of the state per step, without its graph.
    """
    return residual(F, h, measure=measure).square().sum(-1).sqrt()


@runtime_checkable
class Differentiable(Protocol):
    """A map that knows its derivatives."""

    def jacobian(self, h: Tensor) -> Tensor:
        """Return dF_i/dh_j.    [..., N, S] -> [..., N, S, S]"""

    def curvature(self, h: Tensor, w: Tensor, *, measure: Map) -> Tensor:
        """Return sum_k w_k d^2 g(F(h))_k / dh_i dh_j.

        [..., N, S], [..., N, S] -> [..., N, S, S]
        """


@runtime_checkable
class Measured(Protocol):
    """A map that knows what moves."""

    def measure(self, h: Tensor) -> Tensor:
        """Return the quantity whose displacement is the speed.    [..., S] -> [..., S]"""


@runtime_checkable
class Pushing(Protocol):
    """A map that knows the products of its Jacobian."""

    def push(self, h: Tensor) -> Callable[[Tensor], Tensor]:
        """Return v -> dF/dh v at states h, all [N, S]."""


def measure_of(F: Map) -> Map:
    """Return what moves under a map: what it says itself, else the state."""
    return F.measure if isinstance(F, Measured) else identity


def jacobian(F: Map, h: Tensor) -> Tensor:
    """Compute J[i, j] = dF_i/dh_j of every row, without its graph.

    Args:
        F: a map [..., N, S] -> [..., N, S] that moves every row alone
        h: states [..., N, S]

    Returns:
        [..., N, S, S]; zero for a constant map.

    Raises:
        TypeError, ValueError: what is no array of states; a map that autograd cannot see through.
    """
    h = arrays.states(h, name="h")
    return (F.jacobian(h) if isinstance(F, Differentiable) else derived_jacobian(F, h)).detach()


def derived_jacobian(F: Map, h: Tensor) -> Tensor:
    """Return the Jacobian by autograd.    h: [..., N, S] -> [..., N, S, S]"""
    is_seen = False

    def watched(state: Tensor) -> Tensor:
        nonlocal is_seen
        try:
            new = one_step(F, state)
        except RuntimeError as error:
            if "data pointer" in str(error):  # what numpy asks for
                raise ValueError(HIDDEN) from error
            raise
        if new.shape != state.shape:
            raise ValueError(
                f"the map turns states {list(state.shape)} into {list(new.shape)}: for draws, "
                "see Expected"
            )
        is_seen = new.requires_grad
        return new

    pull_back = vjp(watched, h)[1]
    if not is_seen:  # torch 2.13 crashes on the derivative of what does not depend on h
        return _constant_jacobian(F, h)
    basis = torch.eye(h.shape[-1], dtype=h.dtype, device=h.device)
    chunk = max(1, CHUNK_NUMBERS // max(1, h.numel()))
    with torch.no_grad():  # else torch records the derivative for another one
        return vmap(lambda row: pull_back(row.expand_as(h))[0], out_dims=-2, chunk_size=chunk)(
            basis
        )


def _constant_jacobian(F: Map, h: Tensor) -> Tensor:
    """Return zeros if the map is constant around h; else raise, for its derivative is hidden."""
    new, nearby = F(h), h + 1e-3 * torch.linspace(1, 2, h.shape[-1], dtype=h.dtype, device=h.device)
    if not torch.equal(F(nearby), new):
        raise ValueError(HIDDEN)
    return new.new_zeros(*new.shape, h.shape[-1])


def pushed(F: Map, h: Tensor) -> Callable[[Tensor], Tensor]:
    """Return v -> dF/dh v, the derivative of its transpose, which is linear.    [N, S] -> [N, S]"""
    with torch.enable_grad():
        state, weights = h.detach().requires_grad_(), torch.zeros_like(h).requires_grad_()
        (pulled,) = torch.autograd.grad(F(state), state, weights, create_graph=True)
    return lambda v: torch.autograd.grad(
        pulled, weights, v, retain_graph=True, materialize_grads=True
    )[0]


def slope(g: Map, h: Tensor) -> Tensor:
    """Return the derivative of a pointwise function at every entry.    h: [..., S] -> [..., S]"""
    return vjp(g, h)[1](torch.ones_like(h))[0]


def residual_jacobian(F: Map, h: Tensor, *, measure: Map, jacobian: Map) -> Tensor:
    """Return dr_i/dh_j = g'(F(h))_i dF_i/dh_j - g'(h)_i [i = j].

    h: [..., N, S] -> [..., N, R, S]
    """
    J = slope(measure, F(h)).unsqueeze(-1) * jacobian(h)
    J.diagonal(dim1=-2, dim2=-1).sub_(slope(measure, h))
    return side_by_side(J, n_dims=h.dim() + 1, axis=h.dim() - 1)


def curvature(F: Map, h: Tensor, w: Tensor, *, measure: Map) -> Tensor:
    """Return sum_k w_k d^2 g(F(h))_k / dh_i dh_j, g the measure.

    h, w: [..., N, S] -> [..., N, S, S]
    """
    if isinstance(F, Differentiable):
        return F.curvature(h, w, measure=measure)
    return derived_curvature(F, h, w, measure=measure)


def derived_curvature(F: Map, h: Tensor, w: Tensor, *, measure: Map) -> Tensor:
    """Return the curvature by autograd.    h, w: [..., N, S] -> [..., N, S, S]"""

    def pulled_back(state: Tensor) -> Tensor:
        # Of a linear map this does not depend on the state, and torch 2.13 crashes on such a
        # derivative: add nothing.
        return vjp(lambda s: measure(F(s)), state)[1](w)[0] + 0 * state

    return derived_jacobian(pulled_back, h)


def bend(g: Map, h: Tensor) -> Tensor:
    """Return the second derivative of a pointwise function at every entry.

    h: [..., S] -> [..., S]
    """
    return slope(lambda s: slope(g, s), h)


def residual_curvature(h: Tensor, r: Tensor, *, measure: Map, curvature: Curvature) -> Tensor:
    """Return sum_k r_k d^2 r_k / dh_i dh_j, what J'J leaves out of the Hessian of |r|^2 / 2.

    h: [..., N, S], r: [..., N, R] -> [..., N, S, S]; r(h) = g(F(h)) - g(h), and `curvature` is that
    of g(F).
    """
    w = apart(r, h.shape[-1])
    total = w.sum(0) if w.dim() > h.dim() else w
    return curvature(h, w) - torch.diag_embed(total * bend(measure, h))
