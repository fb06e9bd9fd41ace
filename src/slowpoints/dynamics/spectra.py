"""What a linearisation says: eigenvalues, time constants; and which points are the same point."""

import torch
from torch import Tensor


def spectrum(J: Tensor) -> Tensor:
    """Return the eigenvalues of Jacobians, largest modulus first.    J: [..., S, S] -> [..., S] complex"""
    values = torch.linalg.eigvals(J)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    return values.take_along_dim(order, dim=-1)


def time_constant(eigenvalues: Tensor) -> Tensor:
    """Return -1/ln|lambda| of the leading eigenvalue, in steps.

    eigenvalues: [..., S], largest modulus first -> [...]
    Negative when the leading direction grows (|lambda| > 1), infinite when |lambda| = 1.
    """
    return -1.0 / eigenvalues[..., 0].abs().log()


def merge_duplicates(points: Tensor, *, radius: float) -> Tensor:
    """Return for each point the index of the first point within `radius` that stands for itself.

    points: [N, S] -> [N] long. Greedy, in the order given: a chain of close points does not become one.
    """
    representative = torch.arange(len(points), device=points.device)
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    for n in range(1, len(points)):
        stands = representative[:n] == torch.arange(n, device=points.device)
        near = (stands & (distance[n, :n] <= radius)).nonzero().flatten()
        if len(near):
            representative[n] = near[0]
    return representative
