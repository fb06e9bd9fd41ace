"""What a linearisation says: eigenvalues, modes, time constants; and which points are the same point."""

import torch
from torch import Tensor

from slowpoints.dynamics import checks


def spectrum(J: Tensor) -> Tensor:
    """Return the eigenvalues of Jacobians, largest modulus first.    J: [..., S, S] -> [..., S] complex"""
    values = torch.linalg.eigvals(J)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    return values.take_along_dim(order, dim=-1)


def modes(J: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of Jacobians, largest modulus first, and their right eigenvectors, one per column.

    J: [..., S, S] -> [..., S], [..., S, S], complex
    """
    values, vectors = torch.linalg.eig(J)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    return values.take_along_dim(order, dim=-1), vectors.take_along_dim(order.unsqueeze(-2), dim=-1)


def participation(v: Tensor) -> Tensor:
    """Return the share of state dimensions that take part in a mode, from 1/S (one of them) to 1 (all alike).

    v: [..., S], real or complex -> [...]. The participation ratio (sum |v|^2)^2 / sum |v|^4, over S.
    """
    power = v.abs().square()
    return power.sum(-1).square() / power.square().sum(-1) / v.shape[-1]


def time_constant(eigenvalues: Tensor) -> Tensor:
    """Return -1/ln|lambda| of the leading eigenvalue, in steps.

    eigenvalues: [..., S], largest modulus first -> [...]
    Negative when the leading direction grows (|lambda| > 1), infinite when |lambda| = 1.
    """
    return -1.0 / eigenvalues[..., 0].abs().log()


def merge_duplicates(points: Tensor, *, radius: float) -> Tensor:
    """Return for each point the index of the first point within `radius` that stands for itself.

    points: [..., N, S] -> [..., N] long; leading axes, such as several networks, are kept apart. Greedy, in the order
    given: a chain of close points does not become one.
    """
    points = checks.states(points, name="points")
    if not radius >= 0:
        raise ValueError(f"radius is {radius}; it must not be negative")
    if points.dim() > 2:
        merged = [merge_duplicates(own, radius=radius) for own in points.flatten(0, -3)]
        return torch.stack(merged).unflatten(0, points.shape[:-2])
    representative = torch.arange(len(points), device=points.device)
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    for n in range(1, len(points)):
        stands = representative[:n] == torch.arange(n, device=points.device)
        near = (stands & (distance[n, :n] <= radius)).nonzero().flatten()
        if len(near):
            representative[n] = near[0]
    return representative


def midpoints(points: Tensor) -> Tensor:
    """Return the states half-way between any two points.    [..., N, S] -> [..., N (N - 1) / 2, S]

    Between two stable points there is a saddle, to which few trajectories lead: a second search, from here, finds it.
    """
    points = checks.states(points, name="points")
    n_points = points.shape[-2]
    first, second = torch.triu_indices(n_points, n_points, 1, device=points.device)
    return (points[..., first, :] + points[..., second, :]) / 2
