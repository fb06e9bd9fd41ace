"""Curricula."""

import pytest

from slowpoints.training import curricula

WHOLE = {"n_steps": 20, "n_used_steps": None, "delay_min": 4, "n_classes": 10}
DELAY = [(0, 6), (20, 8), (30, 10), (40, 12), (50, 14), (60, 16), (70, 18), (80, 20)]
DELAY_CIFAR = [(0, 6), (100, 8), (120, 10), (140, 12), (160, 14), (180, 16), (200, 18), (220, 20)]
VOCABULARY_CIFAR = [
    (0, 2),
    (30, 3),
    (60, 4),
    (90, 5),
    (120, 6),
    (150, 7),
    (180, 8),
    (210, 9),
    (240, 10),
]
VOCABULARY = [(0, 2), (8, 3), (16, 4), (26, 5), (36, 6), (48, 7), (62, 8), (78, 9), (98, 10)]


@pytest.mark.parametrize("scale", [1, 7, 1000])  # training steps per thousand published ones
@pytest.mark.parametrize(
    ("kind", "key", "length", "schedule"),
    [
        ("delay", "n_used_steps", 140, DELAY),
        ("vocabulary", "n_classes", 140, VOCABULARY),
        ("delay_cifar", "n_used_steps", 300, DELAY_CIFAR),
        ("vocabulary_cifar", "n_classes", 300, VOCABULARY_CIFAR),
    ],
)
def test_stages_begin_exactly_at_their_published_fraction(kind, key, length, schedule, scale):
    def size(step):
        return curricula.stage(kind, step=step, steps=length * scale, settings=WHOLE)[key]

    for (start, here), (end, _) in zip(schedule, [*schedule[1:], (length, None)], strict=True):
        assert size(start * scale) == here
        assert size(end * scale - 1) == here


@pytest.mark.parametrize("kind", ["none", "delay", "vocabulary"])
def test_short_trainings_pass_through_the_stages_they_have_steps_for(kind):
    stages = [curricula.stage(kind, step=step, steps=3, settings=WHOLE) for step in range(3)]
    assert (
        stages
        == {
            "none": [{}, {}, {}],
            "delay": [{"n_used_steps": n} for n in (6, 12, 20)],
            "vocabulary": [{"n_classes": n} for n in (2, 6, 9)],
        }[kind]
    )


def test_other_sizes_are_reached_by_the_same_stages():
    def sizes(kind, key, **other):
        return [
            curricula.stage(kind, step=step, steps=140, settings=WHOLE | other)[key]
            for step, _ in {"delay": DELAY, "vocabulary": VOCABULARY}[kind]
        ]

    assert sizes("delay", "n_used_steps", n_steps=34) == [6, 10, 14, 18, 22, 26, 30, 34]
    assert sizes("delay", "n_used_steps", n_used_steps=13) == [6, 7, 8, 9, 10, 11, 12, 13]
    assert sizes("delay", "n_used_steps", n_steps=5) == [5] * 8
    assert sizes("vocabulary", "n_classes", n_classes=6) == [2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert sizes("vocabulary", "n_classes", n_classes=1) == [1] * 9


@pytest.mark.parametrize("step", [-1, 140])
def test_a_step_outside_the_training_is_refused(step):
    with pytest.raises(ValueError, match=f"step is {step}; must lie in 0..139"):
        curricula.stage("delay", step=step, steps=140, settings=WHOLE)


def test_an_unknown_curriculum_is_refused():
    with pytest.raises(
        ValueError, match="unknown curriculum 'naps'; known: none, delay, vocabulary"
    ):
        curricula.stage("naps", step=0, steps=1, settings=WHOLE)


@pytest.mark.parametrize(
    ("kind", "lacks"), [("delay", "n_used_steps, delay_min"), ("vocabulary", "n_classes")]
)
def test_a_task_that_cannot_follow_a_curriculum_is_refused(kind, lacks):
    with pytest.raises(
        ValueError, match=f"curriculum '{kind}' needs a task with .*; this one lacks {lacks}"
    ):
        curricula.stage(kind, step=0, steps=1, settings={"n_steps": 20, "n_marks": 2})
