"""How every run ended."""

from pathlib import Path

import pandas as pd

from helpers.plans import make_record, make_run
from slowpoints.analyses import outcomes
from slowpoints.analyses._given import Given


def record(seed, outcome, metrics, curve):
    run = make_run(seed, task={"name": "throughput"}, steps=100)
    return make_record(run, outcome=outcome, metrics=metrics, curve=curve)


def test_the_last_validation_metrics_stand_beside_those_of_the_test():
    records = [
        record(
            0, "ok", {"mse": 0.3}, {"step": [50.0, 100.0], "loss": [1.0, 0.5], "mse": [0.9, 0.4]}
        ),
        record(1, "diverged", {"mse": None}, {"step": [50.0], "loss": [1.0], "mse": [0.9]}),
        record(2, "diverged", {"mse": None}, {}),
    ]
    table, _ = outcomes.run(Given([], records, outcomes.Settings(), {}, {}, Path()))
    assert table["mse"].tolist()[0] == 0.3
    assert table["valid_mse"].tolist()[0] == 0.4
    assert pd.isna(table["mse"][1:]).all()
    assert pd.isna(table["valid_mse"][1:]).all()
