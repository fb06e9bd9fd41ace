"""A small stack of untrained networks on tiny made-up images."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from helpers.plans import make_record, make_run
from slowpoints import data, engine, tasks
from slowpoints.analyses._given import Given
from slowpoints.training.stack import Group, network

INITIAL = {
    "keep_bias": 2.0,
    "recurrent_init": "orthogonal",
    "recurrent_scale": 1.0,
    "input_init": "normal",
    "input_scale": 3.0,
    "bias_init": "normal",
    "bias_scale": 0.2,
}


def images(name: str, *, data_dir: Path | None) -> SimpleNamespace:
    """Return ten images of every class; those of a class are nearly the same."""
    draw = np.random.default_rng(0)
    prototypes = draw.integers(0, 256, (10, 14, 14))
    labels = np.repeat(np.arange(10), 10)
    pixels = np.clip(prototypes[labels] + draw.integers(-20, 20, (100, 14, 14)), 0, 255).astype(
        np.uint8
    )
    return SimpleNamespace(train_x=pixels, train_y=labels, test_x=pixels, test_y=labels)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder from which the images above are read."""
    monkeypatch.setattr(data, "load_images", images)
    return tmp_path


@pytest.fixture
def group(data_dir: Path) -> Callable[..., Group]:
    """Return a function giving a group of untrained networks."""

    def build(
        cell: str = "gru", *, n_runs: int = 3, units: int = 6, n_classes: int = 10, **net: Any
    ) -> Group:
        block = {"name": "delayed_classification", "n_classes": n_classes}
        train = {"steps": 100, "batch": 32, "lr": 1.0, "eval_every": 100}
        runs = [
            make_run(i, arm="arm", task=block, net={"cell": cell, "units": units} | net, **train)
            for i in range(n_runs)
        ]
        made, task = network(runs[0].task, runs[0].net), tasks.load("delayed_classification")
        seeds = [torch.Generator().manual_seed(i) for i in range(n_runs)]
        own = [engine.initialise(made, rng=seed, **INITIAL) for seed in seeds]
        params = {name: torch.stack([run[name] for run in own]) for name in own[0]}
        return Group(made, params, list(map(make_record, runs)), task, runs[0].task.settings, {})

    return build


@pytest.fixture
def analyse(data_dir: Path) -> Callable[..., Any]:
    """Return a function that runs an analysis on groups."""

    def run(
        module: Any,
        groups: list[Group],
        *,
        records: Any = None,
        tables: Any = None,
        arrays: Any = None,
        **settings: Any,
    ) -> Any:
        own = records or [record for group in groups for record in group.records]
        return module.run(
            Given(
                groups,
                own,
                module.Settings(**settings),
                tables=tables or {},
                arrays=arrays or {},
                data_dir=data_dir,
            )
        )

    return run
