"""Which points are the same point."""

import torch

from slowpoints.dynamics import merge_duplicates


def test_points_within_the_radius_share_their_first_one():
    points = torch.tensor([[0.0, 0], [1, 0], [0, 0.05], [1, 0.02], [0, 0.12]])
    assert merge_duplicates(points, radius=0.1).tolist() == [0, 1, 0, 1, 4]
    assert merge_duplicates(points[:1], radius=0.1).tolist() == [0]
    assert merge_duplicates(points[:0], radius=0.1).tolist() == []
