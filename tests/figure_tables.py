"""Made-up tables with the columns of the real ones: few points, diverged networks, empty and equal values."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slowpoints.records import write_table

DELAYS = (4, 19, 50, 100)
MEMORY = {
    "long2016-targeted": ("n_targeted", (1, 4)),
    "long2016-interfering": ("n_interfering", (0, 20)),
    "long2016-state": ("units", (2, 8)),
    "long2016-adding-length": ("n_steps", (10, 20)),
    "long2016-adding-state": ("units", (2, 8)),
    "long2016-parameters": ("budget", (75, 268)),
    "long2016-controls": ("n_interfering", (20,)),
}


def identity(experiment: str, arm: str, seed: int, **point: Any) -> dict[str, Any]:
    """Return the identity columns of one run."""
    return {
        "run": f"{experiment}/{arm}/{point}/{seed}", "experiment": experiment, "arm": arm, "seed": seed,
        "n_parameters": 300, "outcome": "ok", "cell": arm.partition("-")[0], "units": 8, "depth": 1,
        "curriculum": "none",
    } | point  # fmt: skip


def write_all(folder: Path, *, learned: bool) -> None:
    """Write every table that a notebook reads; with `learned` False no network has learned anything."""
    for experiment, (knob, values) in MEMORY.items():
        arms = ("pru", "pru-bias-0", "gru") if experiment.endswith("controls") else ("pru", "gru", "a_new_cell")
        rows = [
            identity(experiment, arm, seed, **{knob: value}) | _ended(seed, learned=learned)
            for arm in arms for value in values for seed in range(2)
        ]  # fmt: skip
        _write(folder, experiment, "outcomes", rows)
    _write(folder, "long2016-interfering", "latch_trace", _latch(n_targeted=2 if learned else 9))
    _write(folder, "collins2017-capacity", "bits", _bits())
    _write(folder, "collins2017-throughput", "throughput", _throughput())
    _write_delayed(folder, "haviv2019-curricula", ("gru-vocu", "gru-decu", "lstm-decu", "lstm-plain"), learned=learned)
    _write_delayed(folder, "haviv2019-cifar", ("gru-vocu", "gru-decu", "lstm-decu"), learned=learned)
    for steps in (100, 200):
        _write_delayed(folder, "haviv2019-budget", ("gru-vocu", "gru-decu"), learned=learned, steps=steps)
    _write_delayed(folder, "haviv2019-control", ("gru-control", "gru-slow-points", "lstm-centres"), learned=learned)


def _write(folder: Path, experiment: str, name: str, rows: list[dict[str, Any]]) -> None:
    write_table(folder / experiment / "tables" / f"{name}.csv", pd.DataFrame(rows))


def _ended(seed: int, *, learned: bool) -> dict[str, Any]:
    """Return how a run ended: the second of two diverged unless they learned."""
    if not learned and seed == 1:
        return {"outcome": "diverged", "solved": False, "steps_to_solve": None, "max_steps": 100, "mse": None}
    steps = 60 + 10 * seed if learned else None
    return {
        "solved": learned,
        "steps_to_solve": steps,
        "max_steps": 100,
        "mse": 0.01 * (1 + seed) if learned else 1.0,
    }


def _latch(*, n_targeted: int) -> list[dict[str, Any]]:
    return [
        identity("long2016-interfering", arm, 0, n_interfering=20)
        | {"sequence": b, "t": t, "unit": unit, "input": 1.0, "gate": None if arm == "rnn" else 0.5,
           "state": 0.1 * t,            "phase": "targeted" if t <= n_targeted else "interfering"}
        for arm in ("pru", "rnn") for b in range(2) for t in range(1, 6) for unit in range(3)
    ]  # fmt: skip


def _bits() -> list[dict[str, Any]]:
    return [
        identity("collins2017-capacity", arm, seed, budget=budget, labels_per_parameter=labels, lr=0.01)
        | {"bits": (1 + seed) * budget, "bits_per_parameter": 1.0 + seed, "n_labels": labels * budget}
        for arm in ("rnn", "rnn-relu", "lstm") for budget in (250, 500) for labels in (3.0,)
        for seed in range(2)
    ]  # fmt: skip


def _throughput() -> list[dict[str, Any]]:
    return [
        identity("collins2017-throughput", arm, seed, units=units)
        | {"mse": 1 - units / 80, "line": 1 - units / 64, "n_in": 64, "numbers_per_unit": 0.8}
        for arm in ("rnn", "gru") for units in (16, 64) for seed in range(2)
    ]  # fmt: skip


def _write_delayed(folder: Path, experiment: str, arms: tuple[str, ...], *, learned: bool, **point: Any) -> None:
    rng = np.random.default_rng(0)
    outcomes, curves, points, longevity = [], [], [], []
    for arm in arms:
        for seed in range(2):
            who = identity(experiment, arm, seed, **point)
            outcomes.append(who | {"solved": learned, "max_steps": 100})
            for k in range(10):
                speed = 10 ** rng.normal(-2, 0.3)
                accuracy = {d: float(np.exp(-speed * d)) if learned else 0.1 for d in DELAYS}
                curves += [who | {"class": k, "delay": d, "accuracy": a} for d, a in accuracy.items()]
                points.append(
                    who | {"class": k, "label": k if learned else -1, "speed": speed,
                           "spectral_radius": 1 + speed / 9, "n_unstable": k % 2,
                           "time_constant": np.inf if k == 0 else -9 / speed}
                )  # fmt: skip
                longevity.append(
                    who | {"class": k, "speed": speed} | {f"accuracy_at_{d}": a for d, a in accuracy.items()}
                )
    free = [row | {"free_speed": 2 * row["speed"]} for row in longevity]
    tables = {"outcomes": outcomes, "memory_curve": curves, "slow_points": points, "longevity": longevity}
    tables["free_search"] = free
    for name, rows in tables.items():
        _write(folder, experiment, name, rows)
