"""Small plans that several tests use."""

from pathlib import Path
from typing import Any

from slowpoints.spec.settings import resolve

ROOT = Path(__file__).resolve().parents[2]
TASKS: list[dict[str, Any]] = [
    {"name": "memorization", "n_targeted": 2, "n_interfering": 3},
    {"name": "adding", "n_steps": 6},
    {"name": "perceptron", "n_in": 6, "labels_per_parameter": 0.5},
    {"name": "perceptron", "n_in": 6, "labels_per_parameter": 0.5, "n_classes": 3},
    {"name": "throughput", "n_in": 4, "n_steps": 3},
    {"name": "functions", "n_in": 4, "n_samples": 50, "tau": 5, "n_steps": 3},
    {"name": "text", "n_steps": 8, "n_warm": 3},
    {"name": "parentheses", "n_streams": 2, "n_types": 2, "n_noise": 2, "cap": 3, "n_steps": 8},
    {"name": "arithmetic", "n_digits": 1, "n_steps": 12},
    {"name": "delayed_classification", "loss": "ce", "n_steps": 8},
    {"name": "delayed_classification", "loss": "paper", "n_steps": 8},
]


def make_run(seed: int = 0, *, arm: str = "a", task: dict[str, Any] | None = None, net: dict[str, Any] | None = None,
             **train: Any) -> dict[str, Any]:  # fmt: skip
    """Return one small run as it stands in a plan."""
    blocks = resolve(
        {"name": "memorization", "n_targeted": 2, "n_interfering": 3} if task is None else task,
        {"cell": "gru", "units": 4} | (net or {}),
        {"steps": 20, "batch": 32, "lr": 1e-2, "eval_every": 5, "eval_rows": 32, "test_rows": 32} | train,
        where="test",
    )
    return {"experiment": "test", "arm": arm, "sweep": {}, "seed": seed, "id": f"test/{arm}/{seed}", **blocks}
