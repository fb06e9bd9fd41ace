"""Where the training sequences of a run come from."""

import pytest
import torch

from helpers.plans import make_run
from slowpoints import tasks
from slowpoints.spec.run import Run
from slowpoints.training.batches import Feed, worlds

CPU = torch.device("cpu")


def feed(*runs: Run) -> Feed:
    task, settings = tasks.load(runs[0].task.name), [run.task.settings for run in runs]
    fixed = worlds(list(runs), task, settings, n_parameters=10, data_dir=None)
    return Feed(list(runs), task, settings, fixed, CPU)


def drawn(own: Feed, members: list[int], n: int) -> torch.Tensor:
    """Return the inputs of n steps.    [n, m, B, T, I]"""
    return torch.stack([own(members, [step] * len(members)).x for step in range(n)])


def test_a_pool_is_whole_looks_of_steps_and_small_for_large_inputs() -> None:
    assert feed(make_run(eval_every=5)).pool_steps == 5
    assert feed(make_run(eval_every=20)).pool_steps == 10, "the largest divisor up to 16"
    long = make_run(task={"name": "adding", "n_steps": 6000}, eval_every=5)
    assert feed(long).pool_steps == 1


def test_a_run_draws_the_same_alone_and_beside_others() -> None:
    one, other = make_run(0), make_run(1)
    together = drawn(feed(one, other), [0, 1], 10)
    assert torch.equal(together[:, 0], drawn(feed(one), [0], 10)[:, 0])
    assert torch.equal(together[:, 1], drawn(feed(other), [0], 10)[:, 0])
    assert not torch.equal(together[:, 0], together[:, 1])


def test_no_step_repeats_another() -> None:
    steps = drawn(feed(make_run(task={"name": "adding"})), [0], 12).flatten(1)
    assert len({tuple(step.tolist()) for step in steps}) == 12


def test_a_batch_follows_from_its_run_and_step_alone() -> None:
    whole = drawn(feed(make_run()), [0], 10)
    again = feed(make_run())
    assert torch.equal(torch.stack([again([0], [step]).x for step in range(5, 10)]), whole[5:])


def test_how_many_steps_are_drawn_at_once_changes_nothing() -> None:
    pooled, single = feed(make_run(0), make_run(1)), feed(make_run(0), make_run(1))
    single.pool_steps = 1
    assert pooled.pool_steps == 5
    assert torch.equal(drawn(pooled, [0, 1], 10), drawn(single, [0, 1], 10))


@pytest.mark.parametrize("name", tasks.names())
def test_runs_at_different_steps_and_stages_draw_what_they_draw_alone(name: str) -> None:
    curriculum = "vocabulary" if name == "delayed_classification" else "none"
    runs = [
        make_run(i, task={"name": name}, steps=140, eval_every=10, curriculum=curriculum)
        for i in range(3)
    ]
    together = feed(*runs)([2, 0, 1], [120, 0, 0])
    for row, (run, step) in enumerate([(2, 120), (0, 0), (1, 0)]):
        alone = feed(runs[run])([0], [step])
        for one, all_ in zip(alone[:4], together[:4], strict=True):
            assert torch.equal(one[0], all_[row])
        assert alone.silent == together.silent


def test_a_curriculum_changes_what_is_drawn() -> None:
    run = make_run(
        task={"name": "delayed_classification", "n_classes": 10, "n_steps": 8},
        curriculum="vocabulary",
        steps=140,
        eval_every=10,
    )
    own = feed(run)
    n_allowed = [int(own([0], [step]).allowed.sum()) for step in (*range(10), *range(10, 20))]
    assert n_allowed[0] == 3, "two classes and the null"
    assert n_allowed[-1] > n_allowed[0]
