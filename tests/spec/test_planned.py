"""A training job trains what was planned, or nothing."""

import pytest

from slowpoints.plan import dag
from slowpoints.spec.strict import SpecError

STACK = ("smoke", "long2016-state", next(iter(dag.all_stacks("smoke", "long2016-state"))))


def test_a_job_accepts_the_digests_it_was_planned_with():
    dag.check_planned(*STACK, planned=dag.train_params(*STACK))


@pytest.mark.parametrize(("position", "what"), [(0, "settings"), (1, "code")])
def test_a_job_refuses_settings_or_code_that_changed_after_planning(position, what):
    planned = list(dag.train_params(*STACK))
    planned[position] = "0" * 16
    with pytest.raises(
        SpecError,
        match=rf"long2016-state: the {what} of stack .* have changed since .* was planned",
    ):
        dag.check_planned(*STACK, planned=planned)
