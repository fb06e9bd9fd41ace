"""What every made-up row has."""

from typing import Any


def identity(experiment: str, arm: str, seed: int, **point: Any) -> dict[str, Any]:
    """Return the identity columns of one run."""
    return {
        "run": f"{experiment}/{arm}/{point}/{seed}",
        "experiment": experiment,
        "arm": arm,
        "seed": seed,
        "n_parameters": 300,
        "outcome": "ok",
        "cell": arm.partition("-")[0],
        "units": 8,
        "depth": 1,
        "curriculum": "none",
    } | point
