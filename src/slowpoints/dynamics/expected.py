"""One step under noisy input: a map for every draw, searched together for the state that moves
least on average.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from slowpoints.dynamics.maps import Curvature, Map, curvature, jacobian


@dataclass(frozen=True, eq=False)
class Expected:
    """K maps at once: their speed is the root of the mean squared displacement, over the same K
    draws everywhere.

    `jacobians` and `curvatures`, K each, are those that `find_slow_points` takes of one map;
    without them the maps' own are taken, or autograd's.
    """

    maps: Sequence[Map]
    jacobians: Sequence[Map] = ()
    curvatures: Sequence[Curvature] = ()

    def __post_init__(self) -> None:
        """Refuse no maps, and derivatives of some maps only."""
        n_maps = len(self.maps)
        if not n_maps or {len(self.jacobians), len(self.curvatures)} - {0, n_maps}:
            raise ValueError(
                f"Expected: {n_maps} maps, {len(self.jacobians)} jacobians and "
                f"{len(self.curvatures)} curvatures; give "
                "at least one map, and of each kind of derivative one for every map, or none"
            )

    def __call__(self, h: Tensor) -> Tensor:
        """Return the next state under every draw.    [..., N, S] -> [K, ..., N, S]"""
        return torch.stack([F(h) for F in self.maps])

    def jacobian(self, h: Tensor) -> Tensor:
        """Return dF_k/dh for every draw.    [..., N, S] -> [K, ..., N, S, S]"""
        given = [J(h) for J in self.jacobians]
        return torch.stack(given or [jacobian(F, h) for F in self.maps])

    def curvature(self, h: Tensor, w: Tensor, *, measure: Map) -> Tensor:
        """Return the sum over draws of their curvatures.

        h: [..., N, S], w: [K, ..., N, S] -> [..., N, S, S]
        """
        weights = w.reshape(len(self.maps), *h.shape)  # of one draw they come without K
        if self.curvatures:
            return sum_of(C(h, part) for C, part in zip(self.curvatures, weights, strict=True))
        return sum_of(
            curvature(F, h, part, measure=measure)
            for F, part in zip(self.maps, weights, strict=True)
        )


def sum_of(parts: Iterable[Tensor]) -> Tensor:
    """Return the sum, one part in memory at a time."""
    return reduce(torch.add, parts)
