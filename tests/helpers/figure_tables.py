"""Made-up tables with the columns of the real ones.

Few points, diverged networks, empty and equal values.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import trial_tables
from helpers.capacity_tables import capacity_tables
from helpers.made_up import identity
from slowpoints.analyses import predictors
from slowpoints.analyses._given import Given
from slowpoints.provenance.records import write_table

DELAYS = (4, 19, 50, 100)
MEMORY = {
    "long2016-targeted": ("n_targeted", (1, 4)),
    "long2016-interfering": ("n_interfering", (0, 20)),
    "long2016-state": ("units", (2, 8)),
    "long2016-adding-length": ("n_steps", (10, 20)),
    "long2016-adding-state": ("units", (2, 8)),
    "long2016-adding-marks": ("n_marks", (1, 2)),
    "long2016-parameters": ("budget", (75, 268)),
    "long2016-controls": ("n_interfering", (20,)),
}


def write_all(folder: Path, *, learned: bool) -> None:
    """Write every table that a notebook reads.

    With `learned` False no network has learned anything.
    """
    for experiment, (knob, values) in MEMORY.items():
        arms = (
            ("pru", "pru-bias-0", "gru")
            if experiment.endswith("controls")
            else ("pru", "gru", "a_new_cell")
        )
        rows = [
            identity(experiment, arm, seed, **{knob: value}) | _ended(seed, learned=learned)
            for arm in arms for value in values for seed in range(2)
        ]  # fmt: skip
        _write(folder, experiment, "outcomes", rows)
    _write(folder, "long2016-interfering", "latch_trace", _latch(n_targeted=2 if learned else 9))
    for (experiment, name), made in capacity_tables(learned=learned).items():
        _write(folder, experiment, name, made)
    _write(folder, "collins2017-throughput", "throughput", _throughput())
    trial_tables.write_all(folder, learned=learned)
    _write(
        folder,
        "collins2017-functions",
        "distortion",
        _sizes("collins2017-functions", "mse", learned=learned),
    )
    _write(
        folder,
        "collins2017-text",
        "outcomes",
        _sizes("collins2017-text", "bits_per_character", learned=learned),
    )
    for experiment in ("collins2017-functions", "collins2017-text"):
        _write(folder, experiment, "coincidence", _coincidence(experiment, learned=learned))
    for experiment in ("collins2017-throughput", "long2016-state"):
        _write(folder, experiment, "waiting", _waiting(experiment, learned=learned))
    _write_delayed(
        folder,
        "haviv2019-curricula",
        ("gru-vocu", "gru-decu", "lstm-decu", "lstm-plain"),
        learned=learned,
    )
    for name, rows in (
        task_tables() | network_tables(("gru-vocu", "lstm-decu", "lstm-plain"), learned=learned)
    ).items():
        _write(folder, "haviv2019-curricula", name, rows)
    _write_delayed(
        folder, "haviv2019-cifar", ("gru-vocu", "gru-decu", "lstm-decu"), learned=learned
    )
    for steps in (100, 200):
        _write_delayed(
            folder, "haviv2019-budget", ("gru-vocu", "gru-decu"), learned=learned, steps=steps
        )
    for experiment in ("haviv2019-control", "haviv2019-control-vocu"):
        _write_delayed(
            folder, experiment, ("gru-control", "gru-slow-points", "lstm-centres"), learned=learned
        )
    _write_delayed(folder, "haviv2019-fashion", ("gru-vocu", "lstm-decu"), learned=learned)
    _write_delayed(
        folder, "haviv2019-cells", ("rnn-vocu", "pru-decu", "ugrnn-plain"), learned=learned
    )
    kinds = ("none", "noise-1e-3", "scatter-1e-3", "drift-3", "drift-random")
    of_cells = tuple(f"{cell}-{kind}" for cell in ("gru", "lstm") for kind in kinds)
    for experiment in ("haviv2019-ablations", "haviv2019-ablations-vocu"):
        _write_delayed(folder, experiment, of_cells, learned=learned)
    of_starts = tuple(f"{cell}-decu-{kind}" for cell in ("gru", "lstm") for kind in kinds)
    _write_delayed(folder, "haviv2019-ablations-fashion", of_starts, learned=learned)
    _write_delayed(folder, "haviv2019-loss", ("gru-vocu", "lstm-decu"), learned=learned)
    _write_delayed(
        folder,
        "haviv2019-loss-control",
        ("gru-decu-none", "gru-decu-penalty", "lstm-vocu-none", "lstm-vocu-penalty"),
        learned=learned,
    )
    _write_delayed(
        folder, "haviv2019-during", ("gru-unpenalised", "gru-visited-1e-3"), learned=learned
    )
    for experiment in ("collins2017-path-adding", "collins2017-path-memorization"):
        rows = [
            identity(experiment, arm, seed, phase=phase)
            | {"study": 0}
            | _ended(seed, learned=learned)
            for arm in ("rnn-sgd", "rnn-path", "irnn-adam")
            for phase in ("trial", "rerun")
            for seed in range(2)
        ]
        _write(folder, experiment, "outcomes", rows)
    _write(folder, "haviv2019-formation", "formation", _formation(learned=learned))
    _write(folder, "haviv2019-formation", "introductions", _introductions())


def _correlated(longevity: pd.DataFrame) -> pd.DataFrame:
    """Return the table of the analysis itself, the arms of each protocol as a curriculum."""
    named = {"vocu": "vocabulary", "decu": "delay"}
    own = longevity.assign(
        curriculum=longevity["arm"].map(lambda arm: named.get(arm.partition("-")[2], "none"))
    )
    return predictors.run(Given([], [], predictors.Settings(), {"longevity": own}, {}, Path()))[0]


def _write(
    folder: Path, experiment: str, name: str, rows: list[dict[str, Any]] | pd.DataFrame
) -> None:
    write_table(folder / experiment / "tables" / f"{name}.csv", pd.DataFrame(rows))


def _ended(seed: int, *, learned: bool) -> dict[str, Any]:
    """Return how a run ended: the second of two diverged unless they learned."""
    if not learned and seed == 1:
        return {
            "outcome": "diverged",
            "solved": False,
            "steps_to_solve": None,
            "max_steps": 100,
            "mse": None,
        }
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


def _throughput() -> list[dict[str, Any]]:
    return [
        identity("collins2017-throughput", arm, seed, units=units)
        | {"mse": 1 - units / 80, "line": 1 - units / 64, "n_in": 64, "numbers_per_unit": 0.8}
        for arm in ("rnn", "gru", "gru-deep", "a_new_cell")
        for units in (16, 64)
        for seed in range(2)
    ]


def _waiting(experiment: str, *, learned: bool) -> list[dict[str, Any]]:
    """Return networks that wait; of those that learned nothing all are alike; one arm is deeper."""
    return [
        identity(experiment, arm, seed, units=units, depth=1 + (arm == "gru-deep"))
        | {
            "lasting": units + seed if learned else 0,
            "expected": units,
            "miss": seed / units if learned else 1.0,
            "lasting_before": units,
            "relative_speed": 0.1 * (1 + seed) if learned else 0.5,
            "mse": 0.1 * seed if learned else 1.0,
            "held": 3.0 + seed if learned else 0.0,
        }
        for arm in ("rnn", "gru", "gru-deep")
        for units in (16, 64)
        for seed in range(2)
    ]


def _sizes(experiment: str, metric: str, *, learned: bool) -> list[dict[str, Any]]:
    """Return networks of two sizes, one and two layers deep.

    Unless they learned, all of the larger size diverged.
    """
    return [
        identity(
            experiment,
            arm,
            seed,
            budget=budget,
            lr=lr,
            n_parameters=budget - n,
            units=budget // (20 + 9 * n),
        )
        | {
            "depth": 2 if arm.endswith("-2") else 1,
            "n_samples": 2000,
            "tau": 10,
            "bits_per_parameter": 1.0 + lr,
        }
        | (
            {metric: 200 / budget + lr, f"valid_{metric}": 1 - lr}
            if learned or budget == 300
            else {metric: None, f"valid_{metric}": None, "outcome": "diverged"}
        )
        for n, arm in enumerate(("rnn", "gru", "rnn-2", "intersection_rnn-2"))
        for budget in (300, 600)
        for lr in (0.01, 0.04)
        for seed in range(2)
    ]


def _coincidence(experiment: str, *, learned: bool) -> pd.DataFrame:
    """Return the networks on either curve.

    Nothing but the names of the columns unless they learned.
    """
    rows = [
        identity(experiment, "rnn", seed, budget=300)
        | {"at": at, "size": 8.0, "distance": 0.1 * (1 + seed)}
        for at in ("parameters", "units")
        for seed in range(2)
    ]
    return pd.DataFrame(rows).head(len(rows) if learned else 0)


def _formation(*, learned: bool) -> list[dict[str, Any]]:
    """Return tracked points of two networks per curriculum, their stages and read-outs."""
    return [
        identity("haviv2019-formation", arm, seed, order=1)
        | {
            "class": k,
            "step": step,
            "n_classes": step // 10 if arm == "gru-vocu" else 4,
            "n_used_steps": 20 if arm == "gru-vocu" else 4 + step // 5,
            "speed": (1 + k) / step,
            "pc1": float(k),
            "label": k if learned else -1,
            "label_in_use": min(k, step // 10 - 1) if learned else -1,
        }
        for arm in ("gru-vocu", "gru-decu")
        for seed in range(2)
        for step in (20, 30, 40)
        for k in range(4)
    ]


def _introductions() -> list[dict[str, Any]]:
    """Return two introductions in each of two networks; the second without a parent."""
    return [
        identity("haviv2019-formation", "gru-vocu", seed, order=1)
        | {
            "class": 2 + n,
            "step": 30 + 10 * n,
            "parent": 1 - 2 * n,
            "from_class": 1.0 - n,
            "label_before": 2,
            "accuracy_at_10_parent": None if n else -0.3,
            "accuracy_at_10_others": -0.1,
        }
        for seed in range(2)
        for n in range(2)
    ]


def _write_delayed(
    folder: Path, experiment: str, arms: tuple[str, ...], *, learned: bool, **point: Any
) -> None:
    rng = np.random.default_rng(0)
    outcomes, curves, points, longevity = [], [], [], []
    for arm in arms:
        for seed in range(2):
            who = identity(experiment, arm, seed, **point)
            outcomes.append(who | {"solved": learned, "max_steps": 100})
            for k in range(10):
                speed = 10 ** rng.normal(-2, 0.3)
                accuracy = {d: float(np.exp(-speed * d)) if learned else 0.1 for d in DELAYS}
                curves += [
                    who | {"class": k, "delay": d, "accuracy": a} for d, a in accuracy.items()
                ]
                points.append(
                    who | {"class": k, "label": k if learned else -1, "speed": speed,
                           "spectral_radius": 1 + speed / 9, "n_unstable": k % 2,
                           "time_constant": np.inf if k == 0 else -9 / speed, "scatter": 10 * speed}
                )  # fmt: skip
                longevity.append(
                    who
                    | {
                        "class": k,
                        "speed": speed,
                        "noisy_speed": 1 + speed,
                        "scatter": 1.0,
                        "distance": 9 - k,
                        "spectral_radius": 1 + speed / 9,
                        "nominal": accuracy[4],
                        "half_life": 1 / speed,
                    }
                    | {f"accuracy_at_{d}": a for d, a in accuracy.items()}
                )
    free = [row | {"free_speed": 2 * row["speed"]} for row in longevity]
    tables = {
        "outcomes": outcomes,
        "memory_curve": curves,
        "slow_points": points,
        "longevity": longevity,
    }
    tables["free_search"] = free
    tables["predictors"] = _correlated(pd.DataFrame(longevity))
    for name, rows in tables.items():
        _write(folder, experiment, name, rows)


def task_tables() -> dict[str, list[dict[str, Any]]]:
    """Return what the task of delayed classification is.

    Two trials of six steps, two laws, two curricula.
    """
    trials = [
        {
            "trial": trial,
            "step": step,
            "is_image": step == trial,
            "trigger": int(step == 4 + trial),
            "target": 3 if step == 4 + trial else -1,
            "row": row,
            "column": column,
            "value": 0.1 * row - 0.2 * column,
        }
        for trial in range(2)
        for step in range(6)
        for row in range(3)
        for column in range(3)
    ]
    law = [
        {"t_max": t, "delay": d, "probability": 1 / (t - 4)} for t in (6, 8) for d in range(4, t)
    ]
    stages = [
        {"curriculum": kind, "start": start, "n_classes": 2 + 8 * start, "t_max": 20}
        for kind in ("vocabulary", "delay", "none") for start in (0.0, 0.5)
    ]  # fmt: skip
    return {"example_trials": trials, "delay_law": law, "schedules": stages}


def network_tables(arms: tuple[str, ...], *, learned: bool) -> dict[str, list[dict[str, Any]]]:
    """Return one network per arm looked at closely.

    Of those that learned nothing all points coincide.
    """
    rng = np.random.default_rng(0)
    seen: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    for arm in arms:
        who = identity("haviv2019-curricula", arm, 0)
        for k in range(10):
            kinds = [("slow_point", None, None)]
            kinds += [(kind, 0, delay) for kind in ("state", "trajectory") for delay in (20, 1000)]
            for kind, item, delay in kinds:
                x, y = rng.normal(size=2) if learned else (0.0, 0.0)
                seen.append(
                    who
                    | {
                        "share1": 0.4,
                        "share2": 0.2,
                        "kind": kind,
                        "class": k,
                        "item": item,
                        "delay": delay,
                        "pc1": x,
                        "pc2": y,
                        "correct": learned and delay != 1000,
                    }
                )
            values.append(who | {"class": k, "real": 1.01, "imaginary": 0.1})
        lines += [
            who | {"class": 0, "other": k, "distance": 1.0, "nearest": k == 1, "fraction": fraction,
                   "speed": 0.01 + fraction, "label": 0 if learned else -1}
            for k in (1, 2) for fraction in (0.0, 0.5, 1.0)
        ]  # fmt: skip
    return {"states": seen, "between": lines, "eigenvalues": values}
