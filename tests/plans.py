"""Small plans that several tests use."""

from pathlib import Path
from typing import Any

from slowpoints.spec.settings import resolve

ROOT = Path(__file__).resolve().parents[1]


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
