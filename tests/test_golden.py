"""Fingerprints of a tiny training per cell and task: numbers that a refactoring must not change.

`python tests/test_golden.py` writes them anew; a change is a change of the results and is reviewed
as one.
"""

import json
from pathlib import Path

import pytest
import torch

from helpers.plans import make_run
from slowpoints import cells, tasks
from slowpoints.training.trainer import Trainer

FILE = Path(__file__).with_name("golden.json")
GOLDEN: dict[str, list[float]] = json.loads(FILE.read_text())
TASKS = {
    "adding": {"n_steps": 6},
    "arithmetic": {"n_digits": 1, "n_steps": 12},
    "delayed_classification": {"loss": "ce", "n_steps": 8},
    "functions": {"n_in": 4, "n_samples": 50, "tau": 5, "n_steps": 3},
    "memorization": {"n_targeted": 2, "n_interfering": 3},
    "parentheses": {"n_streams": 2, "n_types": 2, "n_noise": 2, "cap": 3, "n_steps": 8},
    "perceptron": {"n_in": 6, "labels_per_parameter": 0.5},
    "text": {"n_steps": 8, "n_warm": 3},
    "throughput": {"n_in": 4, "n_steps": 3},
}


def fingerprint(cell: str, task: str) -> list[float]:
    """Return the training loss after 1 and 8 steps, and the mean square of the parameters then."""
    run = make_run(0, task={"name": task} | TASKS[task], net={"cell": cell}, batch=32, steps=10)
    trainer = Trainer([run], device=torch.device("cpu"), data_dir=Path(), start=None)
    found, before = [], 0.0
    for step in range(8):
        trainer.advance()
        if step in (0, 7):
            found.append(before + float(trainer.loss_sum))
        if step == 4:
            before = float(trainer.loss_sum)
            trainer.evaluate()
    values = torch.cat([value.detach().flatten() for value in trainer.slots.params.values()])
    return [*found, float(values.square().mean())]


PAIRS = [(cell, "memorization") for cell in cells.names()] + [("gru", task) for task in TASKS]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_numbers_are_those_of_before(name: str) -> None:
    cell, task = name.split("/")
    torch.testing.assert_close(fingerprint(cell, task), GOLDEN[name], rtol=2e-4, atol=1e-6)


def test_every_cell_and_task_of_the_project_has_a_fingerprint() -> None:
    assert set(tasks.names()) == set(TASKS)
    assert set(GOLDEN) == {f"{cell}/{task}" for cell, task in PAIRS}


if __name__ == "__main__":
    FILE.write_text(
        json.dumps({f"{c}/{t}": fingerprint(c, t) for c, t in sorted(set(PAIRS))}, indent=1) + "\n"
    )
