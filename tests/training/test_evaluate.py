"""Scores of a stack."""

from pathlib import Path

import pytest
import torch

from helpers.plans import make_run
from slowpoints.tasks import perceptron
from slowpoints.training.trainer import Trainer


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_run_is_scored_by_its_own_settings(n_classes: int) -> None:
    ratios = (0.5, 3.0)
    task = {"name": "perceptron", "n_in": 6, "n_classes": n_classes}
    runs = [make_run(0, task=task | {"labels_per_parameter": ratio}) for ratio in ratios]
    found = Trainer(runs, device=torch.device("cpu"), data_dir=Path(), start=None).tested()
    known = perceptron.information(found["accuracy"], n_classes=n_classes)
    assert known[1] > 0, "a run that knows nothing would score the same by any settings"
    torch.testing.assert_close(found["bits_per_parameter"], torch.tensor(ratios) * known)
