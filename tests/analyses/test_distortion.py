"""Bits that an error needs."""

from pathlib import Path

import pandas as pd
import pytest

from helpers.plans import make_record, make_run
from slowpoints.analyses import distortion
from slowpoints.analyses._given import Given
from slowpoints.measures import information

SET = {"n_samples": 1000, "tau": 10}


def test_a_network_on_the_line_of_so_many_bits_per_parameter_has_them():
    mse = [float(information.rate_distortion(bits, **SET)) for bits in (500, 100)]
    runs = [f"test/a/{i}" for i in (1, 0, 2)]
    outcomes = pd.DataFrame({"run": runs, "n_parameters": [100, 50, 50], "mse": [*mse, None]})
    task = SET | {"name": "functions"}
    records = [make_record(make_run(i, task=task)) for i in range(3)]
    table, _ = distortion.run(
        Given([], records, distortion.Settings(), {"outcomes": outcomes}, {}, Path())
    )
    assert table["run"].tolist() == runs
    assert table["bits"].tolist()[:2] == pytest.approx([500, 100])
    assert table["bits_per_parameter"].tolist()[:2] == pytest.approx([5, 2])
    assert table["bits_per_parameter"].isna().tolist() == [False, False, True]
    assert table[["n_samples", "tau"]].drop_duplicates().to_numpy().tolist() == [[1000, 10]]
