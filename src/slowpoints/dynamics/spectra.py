"""What a linearisation says: eigenvalues, modes, time constants.

And which points are the same point.
"""

import torch
from torch import Tensor

from slowpoints.dynamics import arrays


def spectrum(J: Tensor) -> Tensor:
    """Compute the eigenvalues of Jacobians, largest modulus first.

    Args:
        J: [..., S, S]

    Returns:
        [..., S], complex; NaN for a matrix that is not finite.
    """
    is_finite, matrices = _finite(J)
    values = torch.linalg.eigvals(matrices)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    return values.take_along_dim(order, dim=-1).masked_fill(~is_finite, torch.nan)


def modes(J: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the eigenvalues of Jacobians and their right eigenvectors.

    Args:
        J: [..., S, S]

    Returns:
        Eigenvalues [..., S], complex, largest modulus first, and eigenvectors [..., S, S], one per
        column. Both are NaN for a matrix that is not finite.
    """
    is_finite, matrices = _finite(J)
    values, vectors = torch.linalg.eig(matrices)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    sorted_vectors = vectors.take_along_dim(order.unsqueeze(-2), dim=-1)
    return (
        values.take_along_dim(order, dim=-1).masked_fill(~is_finite, torch.nan),
        sorted_vectors.masked_fill(~is_finite.unsqueeze(-1), torch.nan),
    )


def _finite(J: Tensor) -> tuple[Tensor, Tensor]:
    """Return which matrices are finite, [..., 1], and all, with zeros for those that are not.

    LAPACK answers NaN with a crash in float32, and with finite numbers, which mean nothing, in
    float64.
    """
    J = torch.as_tensor(J).detach()
    if J.dim() < 2 or J.shape[-1] != J.shape[-2]:
        raise ValueError(f"J has shape {list(J.shape)}; give Jacobians [..., S, S]")
    if not (J.is_floating_point() or J.is_complex()):
        raise TypeError(f"J holds {J.dtype}; give floating-point numbers")
    is_finite = J.isfinite().all(-1).all(-1)[..., None]
    return is_finite, J if bool(is_finite.all()) else torch.where(is_finite.unsqueeze(-1), J, 0.0)


def participation(v: Tensor) -> Tensor:
    """Compute the share of state dimensions that take part in a mode.

    The participation ratio (sum |v|^2)^2 / sum |v|^4, over S.

    Args:
        v: [..., S], real or complex

    Returns:
        [...], from 1/S (one dimension) to 1 (all alike).
    """
    power = v.abs().square()
    return power.sum(-1).square() / power.square().sum(-1) / v.shape[-1]


def time_constant(eigenvalues: Tensor) -> Tensor:
    """Compute -1/ln|lambda| of the leading eigenvalue, in steps.

    Args:
        eigenvalues: [..., S], in any order

    Returns:
        [...]; negative where the leading direction grows (|lambda| > 1), infinite at |lambda| = 1.
    """
    return -1.0 / eigenvalues.abs().amax(-1).log()


def merge_duplicates(points: Tensor, *, radius: float) -> Tensor:
    """Tell which points are the same.

    Greedy, in the order given: a chain of close points does not become one.

    Args:
        points: [..., N, S]; leading axes, such as several networks, are kept apart
        radius: distance within which two points are one

    Returns:
        For each point the index of the first one within `radius` that stands for itself, [..., N].
    """
    points = arrays.states(points, name="points")
    if not radius >= 0:
        raise ValueError(f"radius is {radius}; it must not be negative")
    if points.dim() > 2:
        merged = torch.zeros(points.shape[:-1], dtype=torch.int64, device=points.device)
        for own, given in zip(merged.flatten(0, -2), points.flatten(0, -3), strict=True):
            own.copy_(merge_duplicates(given, radius=radius))
        return merged
    owner = torch.full((len(points),), -1, device=points.device)
    while (owner < 0).any():
        rest = (owner < 0).nonzero().flatten()
        first = rest[0]
        distance = torch.cdist(
            points[first, None], points[rest], compute_mode="donot_use_mm_for_euclid_dist"
        )[0]
        owner[rest[distance <= radius]] = first
        owner[first] = first  # also a point that is not finite
    return owner


def midpoints(points: Tensor) -> Tensor:
    """Make states half-way between any two points: starts of a second search.

    Between two stable points there is a saddle, to which few trajectories lead.

    Args:
        points: [..., N, S]

    Returns:
        [..., N (N - 1) / 2, S]
    """
    points = arrays.states(points, name="points")
    n_points = points.shape[-2]
    first, second = torch.triu_indices(n_points, n_points, 1, device=points.device)
    return (points[..., first, :] + points[..., second, :]) / 2
