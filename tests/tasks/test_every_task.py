"""What holds for every task; a new file in the folder is tested by existing."""

import inspect

import pytest
import torch

from slowpoints import tasks
from slowpoints.engine.draws import Draws

NAMES = tasks.names()
FUNCTIONS = ("n_in", "n_out", "n_read", "world", "sample", "evaluation")
FUNCTIONS += ("minimised", "score", "solved", "constant", "baseline")
SPLITS = ("train", "valid", "test")


def rng(seed: int) -> Draws:
    return Draws([seed])


@pytest.fixture(params=NAMES)
def task(request):
    return tasks.load(request.param)


@pytest.fixture
def settings(task):
    return task.Settings()


@pytest.fixture
def world(task, settings, world_of):
    return world_of(task, settings)


def same(one: tasks.Batch, other: tasks.Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def tensors(world) -> list[torch.Tensor]:
    parts = world.values() if isinstance(world, dict) else world if isinstance(world, tuple) else ()
    return (
        [world]
        if isinstance(world, torch.Tensor)
        else [tensor for part in parts for tensor in tensors(part)]
    )


def constant_output(task, settings, batch: tasks.Batch) -> torch.Tensor:
    return task.constant(settings).expand(*batch.weight.shape, -1)


def test_an_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(
        KeyError, match="unknown task 'juggling'; known: adding, arithmetic, delayed_classification"
    ):
        tasks.load("juggling")


@pytest.mark.parametrize("name", NAMES)
def test_every_task_offers_the_same_functions(name):
    wanted, offered = tasks.load("adding"), tasks.load(name)
    for function in FUNCTIONS:
        asked = inspect.signature(getattr(wanted, function)).parameters.values()
        positional = [None for a in asked if a.kind is not a.KEYWORD_ONLY]
        by_name = {a.name: None for a in asked if a.kind is a.KEYWORD_ONLY}
        # a TypeError if it cannot
        inspect.signature(getattr(offered, function)).bind(*positional, **by_name)


@pytest.mark.parametrize("name", NAMES)
def test_settings_that_may_differ_within_a_stack_are_settings(name):
    task = tasks.load(name)
    assert set(getattr(task, "PER_RUN", ())) <= set(task.Settings.__dataclass_fields__)


@pytest.mark.parametrize("split", SPLITS)
def test_a_batch_has_the_declared_shapes_and_types(task, settings, world, split):
    batch = task.sample(settings, world, batch=3, split=split, rng=rng(1))
    n_read, n_out = task.n_read(settings), task.n_out(settings)
    assert batch.x.shape == (3, batch.x.shape[1], task.n_in(settings))
    assert batch.x.shape[1] >= n_read
    assert batch.weight.shape == (3, n_read)
    assert batch.allowed.shape == (n_out,)
    assert batch.y.shape == ((3, n_read) if batch.y.dtype == torch.long else (3, n_read, n_out))
    assert batch.x.dtype == batch.weight.dtype == torch.float32
    assert batch.allowed.dtype == torch.bool
    assert batch.allowed.all()
    assert (batch.weight.sum(1) > 0).all()


@pytest.mark.parametrize("split", SPLITS)
def test_data_are_drawn_where_the_networks_are(task, settings, data_dir, split):
    meta = torch.device("meta")  # refuses to be mixed with what lies elsewhere
    world = task.world(settings, n_parameters=50, rng=Draws([0], device=meta), data_dir=data_dir)
    rng = Draws([1, 2], device=meta)
    batch = task.sample(settings, world, batch=6, split=split, rng=rng)
    assert {field.device for field in batch[:4]} == {meta}


def test_a_batch_of_one_keeps_its_axes(task, settings, world):
    batch = task.sample(settings, world, batch=1, split="train", rng=rng(1))
    out = constant_output(task, settings, batch)[None]
    assert task.minimised(settings, out, tasks.stacked([batch])).shape == (1,)


def test_a_batch_follows_from_its_generator(task, settings, world):
    first, again, other = (
        task.sample(settings, world, batch=5, split="train", rng=rng(k)) for k in (1, 1, 2)
    )
    assert same(first[:4], again[:4])
    assert not torch.equal(first.x, other.x)


def test_the_next_batch_is_another_one(task, settings, world):
    draw = rng(1)
    first, second = (
        task.sample(settings, world, batch=5, split="train", rng=draw) for _ in range(2)
    )
    assert not torch.equal(first.x, second.x)


def test_sampling_leaves_the_world_as_it_was(task, settings, world_of):
    world = world_of(task, settings)
    before = [tensor.clone() for tensor in tensors(world)]
    task.sample(settings, world, batch=5, split="train", rng=rng(1))
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(world), strict=True))


def test_the_constant_output_scores_the_baseline(task, settings, world_of):
    world, draw = world_of(task, settings, n_parameters=5000), rng(3)
    samples = (task.sample(settings, world, batch=1000, split="train", rng=draw) for _ in range(10))
    # scores read no inputs
    batch = tasks.stacked([batch._replace(x=torch.empty(1000, 0)) for batch in samples])
    score = task.score(settings, constant_output(task, settings, batch), batch)
    assert set(task.baseline(settings)) == set(score)
    assert not {"step", "loss"} & set(score), "names of the learning curve"
    assert task.constant(settings).shape == (task.n_out(settings),)
    for metric, expected in task.baseline(settings).items():
        # over three standard errors: an error of 0.02, of a sum over ten streams half a percent
        assert score[metric].mean().item() == pytest.approx(expected, abs=0.02, rel=0.005)
        assert score[metric].shape == (10,)


def test_the_baseline_is_not_a_solution(task, settings, world):
    batch = tasks.stacked([task.sample(settings, world, batch=500, split="train", rng=rng(3))])
    solved = task.solved(
        settings, task.score(settings, constant_output(task, settings, batch), batch)
    )
    assert solved.dtype == torch.bool
    assert solved.tolist() == [False]


def test_rows_of_weight_zero_change_neither_loss_nor_score(task, settings, world):
    few, many = (task.sample(settings, world, batch=n, split="train", rng=rng(n)) for n in (4, 7))
    out = rng(9).normal(2, 7, task.n_read(settings), task.n_out(settings))
    both, alone = tasks.stacked([few, many]), tasks.stacked([few])
    torch.testing.assert_close(
        task.minimised(settings, out, both)[:1], task.minimised(settings, out[:1, :4], alone)
    )
    scores, wanted = task.score(settings, out, both), task.score(settings, out[:1, :4], alone)
    for metric in scores:
        torch.testing.assert_close(scores[metric][:1], wanted[metric])


def test_each_run_is_judged_on_its_own(task, settings, world):
    batches = [task.sample(settings, world, batch=4, split="train", rng=rng(k)) for k in (1, 2)]
    out = rng(9).normal(2, 4, task.n_read(settings), task.n_out(settings))
    together = task.minimised(settings, out, tasks.stacked(batches))
    for run in range(2):
        alone = task.minimised(settings, out[run : run + 1], tasks.stacked(batches[run : run + 1]))
        torch.testing.assert_close(together[run : run + 1], alone)


def test_a_step_down_the_gradient_lowers_the_loss(task, settings, world):
    batch = tasks.stacked([task.sample(settings, world, batch=16, split="train", rng=rng(1))])
    out = (0.1 * rng(9).normal(1, 16, task.n_read(settings), task.n_out(settings))).requires_grad_()
    before = task.minimised(settings, out, batch).sum()
    (slope,) = torch.autograd.grad(before, out)
    assert task.minimised(settings, out.detach() - 0.01 * slope, batch).sum() < before


def test_evaluation_gives_batches_like_training(task, settings, world):
    train = task.sample(settings, world, batch=6, split="train", rng=rng(1))
    test = task.evaluation(settings, world, rows=6, split="test", rng=rng(1))
    assert [part.shape[1:] for part in test[:4]] == [part.shape[1:] for part in train[:4]]
    assert [part.dtype for part in test[:4]] == [part.dtype for part in train[:4]]
    assert test.silent == train.silent


def test_stacked_batches_lead_with_the_runs_and_fill_up_with_weight_zero():
    def batch(rows):
        return tasks.Batch(
            torch.ones(rows, 3, 2),
            torch.ones(rows, 1, 1),
            torch.ones(rows, 1),
            torch.ones(1, dtype=torch.bool),
        )

    both = tasks.stacked([batch(2), batch(4)])
    assert [part.shape for part in both[:4]] == [(2, 4, 3, 2), (2, 4, 1, 1), (2, 4, 1), (2, 1)]
    assert both.weight[0, :, 0].tolist() == [1, 1, 0, 0]
    assert both.weight[1, :, 0].tolist() == [1, 1, 1, 1]
