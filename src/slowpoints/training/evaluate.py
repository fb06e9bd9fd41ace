"""Scores of a stack on data that no run has trained on (or, for tasks that store a fixed set, on
that set).
"""

from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from slowpoints.engine import Network, States, readout, unroll
from slowpoints.engine.draws import Draws
from slowpoints.spec.canonical import canonical
from slowpoints.spec.run import Run
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks import Batch, Split, Task, stacked
from slowpoints.training.batches import example
from slowpoints.training.stack import select

ELEMENTS = 60_000_000  # numbers held at once: runs are evaluated in slices that stay below


def predict(net: Network, params: dict[str, Tensor], batch: Batch) -> tuple[Tensor, States]:
    """Return the outputs at the steps that count, [M, B, T_y, O], and the final states.

    batch fields: [M, B, ...]
    """
    y, final = unroll(net, params, batch.x, last=batch.y.shape[2], silent=batch.silent)
    return readout(net, params, y), final


def scores(
    net: Network,
    params: dict[str, Tensor],
    owners: list[tuple[Run, Any, Any]],
    task: Task,
    *,
    split: Literal["valid", "test"],
    rows: int,
    device: torch.device,
    elements: int = ELEMENTS,
) -> dict[str, Tensor]:
    """Return named metrics per run, on the same fresh data for every run of the same task settings.

    -> [M] each

    owners: (run, its task settings, its fixed data), M of them; elements: numbers to hold at once
    """
    _, settings, world = owners[0]
    fresh = partial(_fresh, task=task, split=split, rows=rows, device=device)
    size = rows * example(task, settings, world, device).n_steps * net.n_numbers
    # Runs whose settings differ are scored one by one, each by its own; sums over padded rows would
    # also round
    # differently in company.
    width = 1 if task.PER_RUN else max(1, elements // size)
    is_one_for_all = not task.PER_RUN and all(own is world for _, _, own in owners)
    shown = fresh(*owners[0]) if is_one_for_all else None
    parts = []
    for start in range(0, len(owners), width):
        part = slice(start, start + width)
        batch = stacked([shown or fresh(*own) for own in owners[part]])
        with torch.no_grad():
            out, _ = predict(net, select(params, part), batch)
        parts.append(task.score(owners[start][1], out, batch))
    return {name: torch.cat([part[name].cpu() for part in parts]) for name in parts[0]}


def _fresh(
    run: Run,
    settings: Any,
    world: Any,
    *,
    task: Task,
    split: Split,
    rows: int,
    device: torch.device,
) -> Batch:
    """Return evaluation data from a stream that depends on experiment, task and split alone."""
    key = seed_of(run.experiment, canonical(run.task.as_json()), split)
    rng = Draws([key], device=device)
    return task.evaluation(settings, world, rows=rows, split=split, rng=rng)
