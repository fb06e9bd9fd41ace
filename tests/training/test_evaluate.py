"""Scores of a stack."""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plans import make_run
from slowpoints.tasks import Batch, perceptron
from slowpoints.training.trainer import Trainer


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_run_is_scored_by_its_own_settings(n_classes: int) -> None:
    ratios = (0.5, 3.0)
    task = {"name": "perceptron", "n_in": 6, "n_classes": n_classes}
    runs = [
        make_run(0, task=task | {"labels_per_parameter": ratio}, steps=60, lr=0.02)
        for ratio in ratios
    ]
    trainer = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None)
    while not trainer.is_done:
        for _ in range(runs[0].train.eval_every):
            trainer.advance()
        trainer.evaluate()
    found = trainer.tested()
    known = perceptron.information(found["accuracy"], n_classes=n_classes)
    assert known[1] > 0, "a run that knows nothing would score the same by any settings"
    torch.testing.assert_close(found["bits_per_parameter"], torch.tensor(ratios) * known)


@pytest.mark.parametrize(("task", "n_draws"), [("memorization", 1), ("functions", 3)])
def test_networks_that_share_their_data_are_judged_on_one_draw(
    task: str, n_draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = {"memorization": {"n_targeted": 2, "n_interfering": 3}, "functions": {"n_in": 4}}[task]
    runs = [make_run(i, task={"name": task} | block) for i in range(3)]
    trainer = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None)
    drawn: list[int] = []
    own = trainer.task.evaluation

    def evaluation(*given: Any, **how: Any) -> Batch:
        drawn.append(1)
        return own(*given, **how)

    monkeypatch.setattr(trainer.task, "evaluation", evaluation)
    trainer.tested()
    assert len(drawn) == n_draws
