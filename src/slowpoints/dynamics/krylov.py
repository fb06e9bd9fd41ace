"""Many linear systems at once, each known by its products alone: GMRES (Saad & Schultz 1986)."""

from collections.abc import Callable

import torch
from torch import Tensor

CHECKED = 3  # products between two measurements of what is left
TINY = 1e-300


def gmres(times: Callable[[Tensor], Tensor], b: Tensor, *, tolerance: Tensor, most: int) -> Tensor:
    """Solve A x = b for every row, from zero.

    Args:
        times: x -> A x, [N, S] -> [N, S]
        b: [N, S]
        tolerance: [N], of what is left of b, as a share of its length
        most: products, at most

    Returns:
        x [N, S]: of all combinations of b, A b, A A b, ... the one that leaves least.
    """
    n, size = b.shape
    most = min(most, size)
    length = b.norm(dim=-1)
    basis = b.new_zeros(n, most + 1, size)
    basis[:, 0] = b / length.clamp(min=TINY).unsqueeze(-1)
    small = b.new_zeros(n, most + 1, most)  # A in terms of the basis
    target = b.new_zeros(n, most + 1, 1)
    target[:, 0, 0] = length
    y, k = target[:, :0], 0
    while k < most:
        k += 1
        new, before = times(basis[:, k - 1]), basis[:, :k]
        for _ in range(2):  # twice is enough for orthogonality to rounding
            shares = (before @ new.unsqueeze(-1)).squeeze(-1)
            small[:, :k, k - 1] += shares
            new = new - (shares.unsqueeze(-2) @ before).squeeze(-2)
        rest = new.norm(dim=-1)
        small[:, k, k - 1] = rest
        basis[:, k] = new / rest.clamp(min=TINY).unsqueeze(-1)
        if k % CHECKED == 0 or k == most:
            own, goal = small[:, : k + 1, :k], target[:, : k + 1]
            y = torch.linalg.lstsq(own, goal).solution
            left = (own @ y - goal).squeeze(-1).norm(dim=-1)
            if (left <= tolerance * length).all():
                break
    return (y.mT @ basis[:, :k]).squeeze(-2)
