"""Does the speed at a slow point tell how long its class is remembered? One row per network and
class.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from slowpoints.analyses._given import Given, Result
from slowpoints.provenance.records import identity

NEEDS: tuple[str, ...] = ("slow_points", "memory_curve")
# as in slow_points
POINT = ("speed", "noisy_speed", "scatter", "spectral_radius", "participation", "distance")
COLUMNS = (
    "class",
    "speed",
    "distance",
    "kind",
    "participation",
    "scatter",
    "noisy_speed",
    "spectral_radius",
    "accuracy_at_{delay}",
    "retained_at_{delay}",
    "half_life",
    "log10_speed",
    "nominal",
    "outlived",
)


@dataclass(frozen=True)
class Settings:
    """No options."""


def run(given: Given) -> Result:
    """Return speed and rivals, nominal accuracy (over the delays of training), half-life, accuracy
    at each delay and what share that is of the nominal one.

    half_life: the delay at which accuracy first falls to half the nominal one, interpolated in log
    delay; if it never does, the longest delay measured, and outlived is true.
    """
    curves = given.tables["memory_curve"].pivot(
        index=["run", "class"], columns="delay", values="accuracy"
    )
    trained = {record.id: record.task.settings.n_steps for record in given.records}
    points = given.tables["slow_points"]
    rows = []
    for _, point in points.iterrows():
        curve = curves.loc[(point["run"], point["class"])]
        nominal = float(curve[curve.index < trained[point["run"]]].mean())
        half, outlived = half_life(curve.index.to_numpy(), curve.to_numpy(), nominal=nominal)
        rows.append(
            {name: point[name] for name in [*identity(given.records[0]), "class", *POINT]}
            | {
                "log10_speed": float(np.log10(point["speed"])),
                "kind": point["kind"],
                "nominal": nominal,
            }
            | {"half_life": half, "outlived": outlived}
            | {f"accuracy_at_{delay}": float(value) for delay, value in curve.items()}
            | {
                f"retained_at_{delay}": float(value) / nominal if nominal else None
                for delay, value in curve.items()
            }
        )
    return pd.DataFrame(rows), {}


def half_life(delay: np.ndarray, accuracy: np.ndarray, *, nominal: float) -> tuple[float, bool]:
    """Return the delay where accuracy first is half of `nominal`, and whether the curve ended
    before.

    delay, increasing, and accuracy: [n]
    """
    half = nominal / 2
    below = np.flatnonzero(accuracy <= half)
    if not len(below):
        return float(delay[-1]), True
    at = below[0]
    if at == 0:
        return float(delay[0]), False
    share = (accuracy[at - 1] - half) / (accuracy[at - 1] - accuracy[at])
    low, high = np.log(delay[at - 1]), np.log(delay[at])
    return float(np.exp(low + share * (high - low))), False
