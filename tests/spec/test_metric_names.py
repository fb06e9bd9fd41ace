"""A metric to stop at, or to tune by, is one of the task's."""

from types import SimpleNamespace
from typing import Any

import pytest

from helpers.plans import make_run
from slowpoints.spec import meaning
from slowpoints.spec.strict import SpecError


@pytest.mark.parametrize(
    ("train", "tune", "message"),
    [
        (
            {"stop_metric": "msse"},
            {},
            r"train\.stop_metric: unknown metric 'msse'; did you mean 'mse'\?",
        ),
        (
            {},
            {"metric": "accuracy"},
            r"tune\.metric: unknown metric 'accuracy'; did you mean 'bit_accuracy'\?",
        ),
    ],
)
def test_a_metric_that_the_task_lacks_is_refused(
    train: dict[str, Any], tune: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        meaning.check_metrics(
            make_run(**train), SimpleNamespace(**tune) if tune else None, where="x.yaml"
        )


def test_its_own_metrics_are_accepted() -> None:
    meaning.check_metrics(
        make_run(stop_metric="mse"), SimpleNamespace(metric="exact_match"), where="x.yaml"
    )
