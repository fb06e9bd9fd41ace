"""Made-up records of tuned experiments, and the tables that the analyses make of them."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.plans import make_record, make_run
from slowpoints.analyses import importance, trainability, trials, welch
from slowpoints.analyses._given import Given
from slowpoints.data import authors_trials
from slowpoints.provenance.record import OfStudy, Record
from slowpoints.provenance.records import write_table

PUBLISHED = [*authors_trials.COLUMNS, "source"]
TASK = {"name": "throughput", "n_in": 4, "n_steps": 3}  # its mse of the constant predictor is 1


def trial(
    arm: str,
    number: int,
    loss: float | None,
    *,
    phase: str = "trial",
    experiment: str = "e",
    **point: Any,
) -> Record:
    """Return the record of one trial or rerun that ended with `loss`, None for diverged."""
    cell, _, depth = arm.partition("-")
    run = make_run(
        number, arm=arm, task=TASK, net={"cell": cell, "depth": int(depth or 1), "units": 4}
    )
    draw = np.random.default_rng([number, len(arm)])
    lr = 10 ** draw.uniform(-4, -1) if loss is None else 10 ** (-4 + 0.9 * min(loss, 3.0))
    suggested = {
        "train.lr": lr,
        "train.clip": draw.uniform(1, 100),
        "train.optimizer": str(draw.choice(["adam", "sgd"])),
    }
    run = replace(run, experiment=experiment, sweep={"phase": phase, **point}, suggested=suggested)
    told = OfStudy({"mse": loss}, loss, {"metric": "mse", "goal": "lowest", "sampler": "random"})
    outcome = "diverged" if loss is None else "ok"
    return make_record(run, n_parameters=100, outcome=outcome, metrics={"mse": loss}, study=told)


def study(
    arm: str, *, n: int = 8, phase: str = "trial", learned: bool = True, **point: Any
) -> list[Record]:
    """Return the records of one study: losses from 0.1 to 1.2, the last one diverged.

    All diverged if not `learned`.
    """
    losses = np.random.default_rng(len(arm)).permutation(np.linspace(0.1, 1.2, n - 1)).tolist()
    return [
        trial(arm, number, loss if learned else None, phase=phase, **point)
        for number, loss in enumerate([*losses, None])
    ]


def tables(records: list[Record], **settings: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of all analyses of tuned experiments, by name."""
    found: dict[str, pd.DataFrame] = {}
    for module in (trials, trainability, welch, importance):
        name = module.__name__.rpartition(".")[2]
        own = {"n_resamples": 5} if name == "importance" else {}
        given = Given(
            [], records, module.Settings(**(own | settings.get(name, {}))), found, {}, Path()
        )
        # as the next one reads it
        found[name] = pd.read_csv(io.StringIO(module.run(given)[0].to_csv(index=False)))
    return found


def write_all(folder: Path, *, learned: bool) -> None:
    """Write the tables of three tuned experiments, and the published trials.

    None where nothing is `learned`.
    """
    cells, n = ("rnn", "gru", "intersection_rnn"), 8
    for experiment in ("collins2017-parentheses", "collins2017-arithmetic"):
        phases = [("trial", n), ("rerun", 5)]
        own = [
            study(cell, n=size, phase=phase, learned=learned, experiment=experiment)
            for cell in cells for phase, size in phases
        ]  # fmt: skip
        _write(folder, experiment, tables([record for one in own for record in one]))
    own = [study(f"{cell}{deep}", n=n, learned=learned) for cell in cells for deep in ("", "-4")]
    _write(folder, "collins2017-random", tables([record for one in own for record in one]))
    write_table(
        folder / "data" / "authors_trials.csv",
        pd.DataFrame(authors() if learned else [], columns=PUBLISHED),
    )


def _write(folder: Path, experiment: str, made: dict[str, pd.DataFrame]) -> None:
    for name, table in made.items():
        write_table(folder / experiment / "tables" / f"{name}.csv", table)


def authors() -> list[dict[str, Any]]:
    """Return trials as if published, of the task of our studies.

    Two cells, one and eight layers, some diverged.
    """
    return [
        dict.fromkeys(PUBLISHED, 1)
        | {"architecture": cell, "task_type": "mem_thru", "source": f"{figure}_made_up"}
        | {
            "n_layers": layers,
            "hyper_iter": number,
            "eval_loss": None if number == 3 else 0.2 + 0.1 * number,
        }
        for figure in ("fig4", "fig5")
        for cell in ("gru", "+rnn")
        for layers in (1, 8)
        for number in range(6)
    ]
