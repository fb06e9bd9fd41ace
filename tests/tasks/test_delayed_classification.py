"""Delayed classification."""

import math

import pytest
import torch

from slowpoints import tasks
from slowpoints.engine.draws import Draws
from slowpoints.tasks import Batch, stacked
from slowpoints.tasks import delayed_classification as task
from slowpoints.tasks.delayed_classification import Settings

WHOLE = tasks.load("delayed_classification")
SURE = 1e3  # a logit whose sigmoid is one


def rng(seed=0):
    return Draws([seed])


@pytest.fixture
def world(world_of):
    return world_of(task, Settings())


def batch_of(settings, world, rows=64, split="train"):
    return task.sample(settings, world, batch=rows, split=split, rng=rng(1))


def judged(settings, logits_of):
    """Return (loss, score) of the outputs `logits_of(one-hot target, batch)`."""
    rows = torch.arange(50)
    _, asked = task.timing(settings, batch=50, rng=rng(1))
    y, weight = (
        torch.zeros(50, settings.n_steps, dtype=torch.long),
        torch.zeros(50, settings.n_steps),
    )
    y[rows, asked] = 1 + rows % settings.n_classes
    weight[:, : settings.n_used_steps] = 1
    weight[rows, asked] = settings.n_steps
    allowed = torch.arange(11) <= settings.n_classes
    batch = stacked([Batch(torch.zeros(50, settings.n_steps, 1), y, weight, allowed)])
    out = logits_of(torch.nn.functional.one_hot(batch.y, 11).float(), batch)
    return WHOLE.minimised(settings, out, batch).item(), task.score(settings, out, batch)


def perfect(target, batch):
    """Return sigmoids of one for the target and zero for the others.

    Outputs not in use stay at one half.
    """
    return torch.where(batch.allowed[:, None, None], SURE * (2 * target - 1), 0.0)


@pytest.mark.parametrize(
    ("used", "mean", "shortest", "longest"),
    [
        (6, 4.25, 0.750, 0.250),
        (8, 4.75, 0.521, 0.0625),
        (12, 5.75, 0.340, 0.0156),
        (16, 6.75, 0.259, 0.0069),
        (20, 7.75, 0.211, 0.0039),
    ],
)
def test_delays_follow_the_published_law(used, mean, shortest, longest):
    n = 200_000
    shown, asked = task.timing(Settings(n_used_steps=used), batch=n, rng=rng())
    delay = (asked - shown).double()
    assert (shown.min(), shown.max(), asked.max()) == (0, used - 5, used - 1)
    assert (delay.min(), delay.max()) == (4, used - 1)
    for share, wanted in (((delay == 4), shortest), ((delay == used - 1), longest)):
        assert share.double().mean().item() == pytest.approx(
            wanted, abs=4 * math.sqrt(wanted / n) + 5e-4
        )
    assert delay.mean().item() == pytest.approx(mean, abs=4 * delay.std().item() / math.sqrt(n))


def test_the_stimulus_step_is_uniform_and_so_is_the_trigger_step_given_it():
    shown, asked = task.timing(Settings(n_steps=7, delay_min=4), batch=60_000, rng=rng())
    joint = torch.bincount(shown * 7 + asked, minlength=49).reshape(7, 7) / 60_000
    wanted = torch.zeros(7, 7)
    wanted[0, 4:], wanted[1, 5:], wanted[2, 6:] = 1 / 9, 1 / 6, 1 / 3
    torch.testing.assert_close(joint, wanted, atol=0.008, rtol=0)


def test_one_clean_image_and_one_trigger_among_noise(world):
    batch = batch_of(Settings(), world)
    row = torch.arange(64)
    asked = batch.y.argmax(1)
    assert torch.equal(batch.x[:, :, -1], (batch.y > 0).float())
    images = world.images["train"].flatten(0, 1)
    is_image = (batch.x[:, :, None, :3] == images[None, None, :, :3]).all(-1)
    found = is_image.any(-1)
    assert (found.sum(1) == 1).all()
    shown = found.float().argmax(1)
    assert (asked - shown >= 4).all()
    which = is_image[row, shown].float().argmax(1)
    assert torch.equal(batch.x[row, shown, :-1], images[which])
    assert torch.equal(which // world.images["train"].shape[1] + 1, batch.y[row, asked])


@pytest.mark.parametrize(
    ("dataset", "n"),
    [("mnist14", 197), ("fashion14", 197), ("mnist", 785), ("fashion", 785), ("cifar10", 3073)],
)
def test_the_input_is_the_pixels_and_the_trigger(dataset, n):
    assert task.n_in(Settings(dataset=dataset)) == n


def test_one_class_asked_right_after_it_was_shown_is_a_task(world):
    batch = batch_of(Settings(n_steps=2, delay_min=1, n_classes=1), world)
    assert batch.y.tolist() == [[0, 1]] * 64


def test_noise_has_the_mean_and_spread_of_the_pixels_and_is_not_clipped(world):
    pixels = world.images["train"].double()
    assert world.mean == pytest.approx(pixels.mean().item(), abs=1e-6)
    assert world.std == pytest.approx(pixels.std(correction=0).item(), abs=1e-6)
    batch = task.sample(Settings(), world, batch=500, split="train", rng=rng(1))
    noise = batch.x[:, -1, :-1]  # the last step is never a stimulus
    assert noise.mean().item() == pytest.approx(world.mean, abs=0.01)
    assert noise.std().item() == pytest.approx(world.std, abs=0.01)
    assert noise.min() < 0 < 1 < noise.max()


def test_full_size_mnist_has_the_authors_noise(world_of):
    world = world_of(task, Settings(dataset="mnist"))
    assert (world.mean, world.std) == (0.1307, 0.30816)


def test_noise_is_fresh_in_every_frame(world):
    noise = batch_of(Settings(), world).x[:, :, :-1].flatten(0, 1)
    assert len(noise.unique(dim=0)) >= 64 * 19


def test_noise_alone_has_no_trigger(world):
    frames = task.noise(Settings(), world, rows=2000, rng=rng())
    assert frames.shape == (2000, 197)
    assert (frames[:, -1] == 0).all()
    assert frames[:, :-1].mean().item() == pytest.approx(world.mean, abs=0.01)
    assert frames[:, :-1].std().item() == pytest.approx(world.std, abs=0.01)


def test_splits_are_disjoint_and_balanced(world):
    assert {split: images.shape for split, images in world.images.items()} == {
        "train": (10, 18, 196),
        "valid": (10, 2, 196),
        "test": (10, 8, 196),
    }
    every = torch.cat([images.flatten(0, 1) for images in world.images.values()])
    assert len(every.unique(dim=0)) == len(every)
    for images in world.images.values():
        assert torch.equal(
            (images[:, :, 0] * 255).round(), torch.arange(10.0)[:, None].expand_as(images[:, :, 0])
        )


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_batch_shows_images_of_its_split_only(world, split):
    batch = batch_of(Settings(n_steps=5), world, split=split)  # five steps: shown at 0, asked at 4
    labels = batch.y[:, 4] - 1
    matches = (world.images[split][labels] == batch.x[:, :1, :-1]).all(-1)
    assert (matches.sum(1) == 1).all()
    if split != "train":
        assert matches.any(0).all()


def test_all_runs_share_one_copy_of_the_images(world_of):
    first, second = (world_of(task, Settings(n_classes=n), seed=n) for n in (2, 3))
    assert first.images["train"] is second.images["train"]


def test_steps_beyond_those_in_use_are_shown_but_not_asked(world):
    batch = batch_of(Settings(n_used_steps=6), world)
    assert batch.x.shape == (64, 20, 197)
    for part in (batch.weight, batch.y, batch.x[:, :, -1]):
        assert (part[:, 6:] == 0).all()
    assert (batch.weight.sum(1) == 20 + 5).all()


def test_the_answer_weighs_twenty_and_every_other_step_one(world):
    batch = batch_of(Settings(), world)
    assert torch.equal(batch.weight, torch.where(batch.y > 0, 20.0, 1.0))


def test_a_vocabulary_shows_and_allows_its_first_classes_only(world):
    batch = batch_of(Settings(n_classes=3), world)
    assert batch.allowed.tolist() == [True] * 4 + [False] * 7
    assert set(batch.y.unique().tolist()) == {0, 1, 2, 3}


def test_classes_are_equally_likely(world):
    y = task.sample(Settings(n_steps=5), world, batch=5000, split="train", rng=rng(1)).y[:, 4]
    assert (torch.bincount(y - 1, minlength=10) / 5000 - 0.1).abs().max() < 0.02


@pytest.mark.parametrize(
    ("n_classes", "used", "wanted"), [(10, 20, 0.2735), (10, 6, 0.1753), (2, 20, 0.0977)]
)
def test_the_perfect_network_has_the_published_loss(n_classes, used, wanted):
    loss, _ = judged(Settings(n_classes=n_classes, n_used_steps=used), perfect)
    assert loss == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(("n_classes", "used"), [(10, 20), (10, 6), (2, 20)])
def test_the_perfect_loss_follows_from_the_equations(n_classes, used):
    loss, _ = judged(Settings(n_classes=n_classes, n_used_steps=used), perfect)
    p = math.e / (math.e + n_classes)
    assert loss == pytest.approx(-(20 + used - 1) * math.log(p + 1e-4) / (20 * 11), rel=1e-5)


def test_the_always_silent_network_has_the_published_loss():
    settings = Settings(n_used_steps=20)
    loss, score = judged(settings, lambda target, batch: task.constant(settings).expand_as(target))
    assert loss == pytest.approx(0.3643, abs=1e-4)
    assert [score[name].item() for name in ("accuracy", "null_accuracy")] == [0, 1]


def test_the_mask_leaks_when_an_output_that_is_not_in_use_is_near_zero():
    settings = Settings(n_classes=2, n_used_steps=20)
    loss, _ = judged(settings, lambda target, batch: SURE * (2 * target - 1))
    # as if all were in use
    assert loss == pytest.approx(judged(Settings(n_used_steps=20), perfect)[0], rel=1e-5)


def test_plain_cross_entropy_is_normalised_by_the_weights():
    settings = Settings(n_classes=2, n_used_steps=6, loss="ce")
    loss, _ = judged(
        settings, lambda target, batch: 3 * target + 50 * ~batch.allowed[:, None, None]
    )
    assert loss == pytest.approx(-math.log(math.exp(3) / (math.exp(3) + 2)), rel=1e-5)
    only_answers, _ = judged(settings, lambda target, batch: 3 * target * (batch.y > 0)[..., None])
    p = [math.exp(3) / (math.exp(3) + 2), 1 / 3]
    assert only_answers == pytest.approx(-(20 * math.log(p[0]) + 5 * math.log(p[1])) / 25, rel=1e-5)


@pytest.mark.parametrize("loss", ["paper", "ce"])
def test_gradients_are_finite_with_part_of_the_vocabulary(world, loss):
    settings = Settings(n_classes=2, loss=loss)
    batch = stacked([batch_of(settings, world)])
    out = rng().normal(1, 64, 20, 11).requires_grad_()
    (slope,) = torch.autograd.grad(WHOLE.minimised(settings, out, batch).sum(), out)
    assert slope.isfinite().all()
    assert (slope[..., :3] != 0).any()


def test_the_perfect_network_scores_one():
    for settings in (Settings(n_used_steps=20), Settings(n_used_steps=8, n_classes=3)):
        _, score = judged(settings, perfect)
        assert {name: value.item() for name, value in score.items()} == dict.fromkeys(score, 1.0)
        assert task.solved(settings, score).tolist() == [True]


def test_silence_at_the_trigger_is_an_error_though_the_class_comes_second():
    settings = Settings(n_used_steps=20)

    def hesitant(target, batch):
        null = torch.zeros(11)
        null[0] = 2.0
        return target + null

    _, score = judged(settings, hesitant)
    assert [score[name].item() for name in ("accuracy", "accuracy_classes", "null_accuracy")] == [
        0.0,
        1.0,
        1.0,
    ]


def test_speaking_all_the_time_is_no_silence():
    settings = Settings(n_used_steps=20)
    _, score = judged(
        settings,
        lambda target, batch: 2 * (target * (batch.y > 0)[..., None]).sum(2, True) + target,
    )
    assert [score[name].item() for name in ("accuracy", "null_accuracy")] == [1.0, 0.0]


@pytest.mark.parametrize(("accuracy", "is_solved"), [(0.89, False), (0.9, True)])
def test_solved_means_nine_answers_of_ten(accuracy, is_solved):
    score = {"accuracy": torch.tensor([accuracy], dtype=torch.float64)}
    assert task.solved(Settings(), score).tolist() == [is_solved]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"n_used_steps": 4},
            r"n_used_steps is 4; must be at least delay_min \+ 1 = 5 and at most n_steps = 20",
        ),
        (
            {"n_used_steps": 21},
            r"n_used_steps is 21; must be at least delay_min \+ 1 = 5 and at most n_steps = 20",
        ),
        ({"n_steps": 4}, r"n_used_steps is 4; must be at least delay_min \+ 1 = 5"),
        ({"delay_min": 0}, "delay_min is 0; must be at least 1"),
        ({"n_classes": 11}, "n_classes is 11; must lie in 1..10"),
        ({"n_classes": 0}, "n_classes is 0; must lie in 1..10"),
        (
            {"dataset": "cats"},
            "dataset is 'cats'; must be one of mnist14, fashion14, mnist, fashion, cifar10",
        ),
        ({"loss": "hinge"}, "loss is 'hinge'; must be paper or ce"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
