"""Which runs one job trains together."""

from dataclasses import replace
from types import SimpleNamespace

from helpers.plans import make_run
from slowpoints.plan.stacks import stacks
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack


def grouped(*runs: Run, seeds_per_stack: int = 16) -> list[Stack]:
    experiment = SimpleNamespace(
        name="test", scale="smoke", runs=list(runs), studies={}, seeds_per_stack=seeds_per_stack
    )
    return stacks(experiment)


def test_runs_that_differ_in_what_may_differ_share_a_stack() -> None:
    slow, fast = make_run(arm="slow", lr=0.01), make_run(arm="fast", lr=0.1)
    (stack,) = grouped(slow, fast)
    assert stack.runs == [slow, fast]


def test_runs_of_another_shape_have_a_stack_of_their_own() -> None:
    small, large = make_run(arm="small", net={"units": 3}), make_run(arm="large", net={"units": 4})
    assert [stack.runs for stack in grouped(small, large)] == [[small], [large]]


def test_a_stack_is_filled_in_blocks_of_seeds() -> None:
    runs = [make_run(seed) for seed in range(5)]
    found = grouped(*runs, seeds_per_stack=2)
    assert [[run.seed for run in stack.runs] for stack in found] == [[0, 1], [2, 3], [4]]
    assert [stack.name.rpartition("-")[2] for stack in found] == ["0", "1", "2"]


def test_more_seeds_leave_the_digest_of_a_full_stack_as_it_is() -> None:
    few, *_ = grouped(*[make_run(seed) for seed in range(2)], seeds_per_stack=2)
    many, *_ = grouped(*[make_run(seed) for seed in range(6)], seeds_per_stack=2)
    assert few.digest == many.digest


def test_another_learning_rate_is_another_digest() -> None:
    (one,), (other,) = grouped(make_run(lr=0.01)), grouped(make_run(lr=0.02))
    assert one.name == other.name, "of the same shape"
    assert one.digest != other.digest


def test_a_run_is_named_by_its_arm_its_point_and_its_seed() -> None:
    run = replace(make_run(3, arm="gru"), sweep={"net.units": 8, "train.lr": 0.1})
    assert run.id == "test/gru/units=8,lr=0.1/3"
    assert (
        replace(run, sweep=run.sweep | {"phase": "trial"}).id == "test/gru/units=8,lr=0.1/trial/3"
    )


def test_a_run_is_called_the_same_whatever_the_order_of_its_sweep() -> None:
    from dataclasses import replace

    run = make_run(0)
    one = replace(run, sweep={"train.steps": 3, "task.n_steps": 5, "study": 0, "phase": "rerun"})
    other = replace(run, sweep=dict(sorted(one.sweep.items())))
    assert one.id == other.id
