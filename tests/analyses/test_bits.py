"""Bits stored in parameters."""

import pandas as pd
import pytest

from helpers.plans import make_record, make_run
from slowpoints.analyses import bits

METRICS = {"accuracy": 1.0, "soft_bits_per_label": 0.5, "bits_per_parameter": 0.0}


def table(*, metrics: dict, **task) -> pd.Series:
    run = make_run(task={"name": "perceptron", "labels_per_parameter": 3.0} | task)
    record = make_record(run, n_parameters=200, metrics=metrics)
    found, arrays = bits.run(bits.Given([], [record], bits.Settings(), {}, {}, None))
    assert not arrays
    return found.iloc[0]


@pytest.mark.parametrize(("n_classes", "hard"), [(2, 3.0), (8, 9.0)])
def test_a_stored_label_counts_by_the_number_of_its_classes(n_classes, hard):
    row = table(metrics=METRICS, n_classes=n_classes)
    assert (row["n_classes"], row["n_labels"], row["labels_per_parameter"]) == (n_classes, 600, 3.0)
    assert row["bits_per_parameter"] == pytest.approx(hard)
    assert row["bits"] == pytest.approx(200 * hard)
    assert row["soft_bits_per_parameter"] == pytest.approx(1.5)
    assert row["labels_per_bit"] == pytest.approx(3 / hard)


def test_a_diverged_network_has_no_bits():
    row = table(metrics=dict.fromkeys(METRICS))
    assert row["bits"] is None
    assert row["soft_bits_per_parameter"] is None
