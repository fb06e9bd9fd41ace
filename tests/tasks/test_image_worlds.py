"""Images by class, the order of the classes, and the mean of the noise."""

import pytest
import torch

from slowpoints.engine.draws import Draws
from slowpoints.tasks import delayed_classification as task
from slowpoints.tasks.delayed_classification import Settings


def test_an_order_numbers_the_classes_anew_and_keeps_every_image(world_of):
    plain, other = (world_of(task, Settings(order=order)) for order in (0, 1))
    again, third = (world_of(task, Settings(order=order)) for order in (1, 2))
    for split, images in plain.images.items():
        assert torch.equal(other.images[split], again.images[split])
        rank = [
            next(k for k in range(10) if torch.equal(images[k], own)) for own in other.images[split]
        ]
        assert sorted(rank) == list(range(10))
        assert rank != list(range(10))
        assert not torch.equal(third.images[split], other.images[split])
    assert (plain.mean, plain.std) == (other.mean, other.std)


def test_an_order_below_zero_is_refused():
    with pytest.raises(ValueError, match="order is -1; must be 0 or more"):
        Settings(order=-1)


def test_the_mean_of_the_noise_is_its_mean_without_a_trigger(world_of):
    world, rng = world_of(task, Settings()), Draws([0])
    frames = task.mean_noise(Settings(), world, rows=3, rng=rng)
    noise = task.noise(Settings(), world, rows=3000, rng=rng)
    assert frames.shape == (3, task.n_in(Settings()))
    torch.testing.assert_close(noise[:, :-1].mean(), frames[0, :-1].mean(), atol=2e-3, rtol=0)
    assert (noise[:, -1] == 0).all()
    assert (frames[:, -1] == 0).all()
