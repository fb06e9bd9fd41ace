"""The metrics of a task, read without importing it."""

from pathlib import Path
from typing import Any

import pytest

from helpers.plans import make_run
from slowpoints import tasks
from slowpoints.spec import metrics, settings
from slowpoints.spec.strict import SpecError


@pytest.mark.parametrize("name", tasks.names())
def test_they_are_what_the_task_scores(name: str) -> None:
    task = tasks.load(name)
    assert metrics.metrics(name) == set(task.baseline(task.Settings()))


def test_a_score_of_another_task_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = make_run() | {"task": {"name": "odd"}}
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "one.py").write_text("def score(s):\n    return {'mse': 1, 'exact': 2}\n")
    (tmp_path / "tasks" / "two.py").write_text("from slowpoints.tasks.one import loss, score\n")
    (tmp_path / "tasks" / "odd.py").write_text("def score(s):\n    return found(s)\n")
    monkeypatch.setattr(settings, "PACKAGE", tmp_path)
    assert metrics.metrics("two") == {"mse", "exact"}
    with pytest.raises(SpecError, match="task odd: let score return its metrics as"):
        metrics.check(odd, {}, where="x.yaml")


@pytest.mark.parametrize(
    ("train", "tune", "message"),
    [
        ({"stop_metric": "msse"}, {}, r"train\.stop_metric: unknown metric 'msse'; did you mean 'mse'\?"),
        ({}, {"metric": "accuracy"}, r"tune\.metric: unknown metric 'accuracy'; did you mean 'bit_accuracy'\?"),
    ],
)
def test_a_metric_that_the_task_lacks_is_refused(train: dict[str, Any], tune: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        metrics.check(make_run(**train), tune, where="x.yaml")


def test_its_own_metrics_are_accepted() -> None:
    metrics.check(make_run(stop_metric="mse"), {"metric": "exact_match"}, where="x.yaml")
