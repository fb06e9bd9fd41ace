"""One network of an ensemble as a map from state to state, with its exact derivatives."""

from torch import Tensor

from slowpoints.cells.network import Network
from slowpoints.dynamics.maps import Map, derived_curvature
from slowpoints.engine import measure, state_curvature, state_jacobian, state_map


class PointMap:
    """One step of a network under a constant input.    [N, S] -> [N, S]"""

    def __init__(self, net: Network, params: dict[str, Tensor], x: Tensor) -> None:
        """Take one network of a stack, in float64.    params: values [1, ...]; x: [1, I]"""
        self._step = state_map(net, params, x)
        self._jacobian = state_jacobian(net, params, x)
        self._curvature = state_curvature(net, params, x)
        self._measure = measure(net)

    def __call__(self, h: Tensor) -> Tensor:
        """Return the next states.    [N, S] -> [N, S]"""
        return self._step(h[None])[0]

    def jacobian(self, h: Tensor) -> Tensor:
        """Return dF_i/dh_j.    [N, S] -> [N, S, S]"""
        return self._jacobian(h[None])[0]

    def curvature(self, h: Tensor, w: Tensor, *, measure: Map) -> Tensor:
        """Return sum_k w_k d^2 g(F(h))_k / dh_i dh_j.    [N, S], [N, S] -> [N, S, S]"""
        if self._curvature is None or measure != self.measure:
            return derived_curvature(self.__call__, h, w, measure=measure)
        return self._curvature(h[None], w[None])[0]

    def measure(self, h: Tensor) -> Tensor:
        """Return what moves, as the cell says it.    [N, S] -> [N, S]"""
        return self._measure(h)
