"""Made-up tables of studies: reruns and trials, some diverged; networks that stored nothing."""

from typing import Any

import numpy as np

from helpers.made_up import identity

Rows = list[dict[str, Any]]
ARMS = {
    "collins2017-capacity": ("rnn", "rnn-relu", "ugrnn", "intersection_rnn", "a_new_cell"),
    "collins2017-depth": ("rnn-2", "ugrnn-4"),
}
FORMATS = {"fp32": 32, "bf16": 16, "q5": 5, "q2": 2}


def capacity_tables(*, learned: bool) -> dict[tuple[str, str], Rows]:
    """Return rows by experiment and table.

    Networks that did not learn stored nothing, or diverged.
    """
    found = {
        (name, "bits"): _bits(name, arms, learned, budget=(300, 600)) for name, arms in ARMS.items()
    }
    arms = ARMS["collins2017-capacity"]
    found["collins2017-unrolling", "bits"] = _bits(
        "collins2017-unrolling", arms, learned, n_steps=(1, 5, 10)
    )
    found["collins2017-capacity", "expected_best"] = _expected_best(arms, learned)
    found["collins2017-capacity", "bridge"] = _bridge(
        "collins2017-capacity", arms, learned, budget=(300, 600)
    )
    found["collins2017-training", "bits"] = [
        row | {"n_steps": n_steps}
        for n_steps in (1, 5)
        for row in _bits("collins2017-training", ("rnn", "gru"), learned, steps=(32, 64))
    ]
    found["collins2017-classes", "bridge"] = _bridge(
        "collins2017-classes", ("rnn", "gru"), learned, n_classes=(2, 64)
    )
    return found


def _runs(experiment: str, arms: tuple[str, ...], **points: tuple[int, ...]) -> Rows:
    """Return two reruns and two trials per arm and point."""
    ((key, values),) = points.items()
    depths = {
        arm: int(arm[-1]) if arm[-1].isdigit() else 1 + (arm == "intersection_rnn") for arm in arms
    }
    return [
        identity(experiment, arm, seed, **{key: value}, phase=phase) | {"depth": depths[arm]}
        for arm in arms for value in values for phase in ("trial", "rerun") for seed in range(2)
    ]  # fmt: skip


def _bits(experiment: str, arms: tuple[str, ...], learned: bool, **points: tuple[int, ...]) -> Rows:
    """Return what runs stored; of those that did not learn the second diverged."""
    rows = []
    for n, run in enumerate(_runs(experiment, arms, **points)):
        bits = (3.0 + 0.1 * (n % 7)) * run["n_parameters"] if learned else 0.0
        is_lost = not learned and run["seed"] == 1
        stored = {"bits": bits, "bits_per_parameter": bits / run["n_parameters"]}
        rows.append(
            run | (dict.fromkeys(stored) if is_lost else stored)
            | {"n_labels": 1200, "labels_per_bit": 1200 / bits if bits else None}
            | {"outcome": "diverged" if is_lost else "ok"}
        )  # fmt: skip
    return rows


def _expected_best(arms: tuple[str, ...], learned: bool) -> Rows:
    """Return studies of four trials; where nothing was learned the first one only diverged."""
    known = [learned or arm != arms[0] for arm in arms]
    return [
        {
            "arm": arm,
            "cell": arm.partition("-")[0],
            "budget": budget,
            "depth": 1,
            "study": study,
            "n_trials": 4,
            "n_diverged": 1,
        }
        | {"n": n, "running": 3.0 * learned if is_known else None, "metric": "bits_per_parameter"}
        | dict.fromkeys(("expected", "low", "high"), learned * (3 - 1 / n) if is_known else None)
        for arm, is_known in zip(arms, known, strict=True)
        for budget in (300, 600)
        for study in range(2)
        for n in range(1, 5)
    ]


def _bridge(
    experiment: str, arms: tuple[str, ...], learned: bool, **points: tuple[int, ...]
) -> Rows:
    """Return what reruns store in each format.

    The share that is kept is empty where there was nothing.
    """
    rows = []
    for run in _runs(experiment, arms, **points):
        for name, width in FORMATS.items():
            hard = 3.0 * (1 - np.exp(-width)) * learned
            shares = (
                {"kept": 1 - np.exp(-width), "soft_per_hard": 1.1}
                if learned
                else {"kept": None, "soft_per_hard": None}
            )
            rows.append(
                {"n_classes": 2}
                | run
                | {"format": name, "storage_bits": width, "bits_per_stored_bit": hard / width}
                | {"bits_per_parameter": hard, "soft_bits_per_parameter": 1.1 * hard}
                | shares
            )
    return [row for row in rows if row["phase"] == "rerun"]
