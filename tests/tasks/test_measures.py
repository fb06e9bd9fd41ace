"""Means that tasks share."""

import torch

from slowpoints.tasks._measures import at_target


def test_the_entry_that_is_wanted_and_its_gradient_are_those_of_gather() -> None:
    rng = torch.Generator().manual_seed(0)
    p = torch.randn(2, 5, 3, 7, generator=rng).log_softmax(-1)
    p[..., 6] = -torch.inf
    y = torch.randint(6, (2, 5, 3), generator=rng)
    ours, theirs = (p.clone().requires_grad_() for _ in range(2))
    found, wanted = at_target(ours, y), theirs.gather(-1, y[..., None])[..., 0]
    assert torch.equal(found, wanted)
    weight = torch.randn(found.shape, generator=rng)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)
