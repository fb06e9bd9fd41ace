"""Bits that an error needs."""

from pathlib import Path

import pandas as pd
import pytest

from slowpoints.analyses import distortion
from slowpoints.analyses._given import Given
from slowpoints.measures import information

SET = {"n_samples": 1000, "tau": 10}


def test_a_network_on_the_line_of_so_many_bits_per_parameter_has_them():
    mse = [float(information.rate_distortion(bits, **SET)) for bits in (500, 100)]
    outcomes = pd.DataFrame({"run": ["b", "a", "c"], "n_parameters": [100, 50, 50], "mse": [*mse, None]})
    records = [{"id": run, "task": SET | {"name": "functions"}} for run in "abc"]
    table, _ = distortion.run(Given([], records, distortion.Settings(), {"outcomes": outcomes}, {}, Path()))
    assert table["run"].tolist() == ["b", "a", "c"]
    assert table["bits"].tolist()[:2] == pytest.approx([500, 100])
    assert table["bits_per_parameter"].tolist()[:2] == pytest.approx([5, 2])
    assert table["bits_per_parameter"].isna().tolist() == [False, False, True]
    assert table[["n_samples", "tau"]].drop_duplicates().to_numpy().tolist() == [[1000, 10]]
