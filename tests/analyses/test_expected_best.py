"""Expected and running best of the trials of a study, from made-up records."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.plans import make_record, make_run
from slowpoints.analyses import expected_best
from slowpoints.measures import statistics
from slowpoints.measures.best_of_n import expected_best as of_values
from slowpoints.provenance.record import OfStudy


def trial(number, value, *, arm="rnn", goal="highest", phase="trial", **sweep):
    """Return the record of one trial; without a value it diverged."""
    run = replace(
        make_run(number, arm=arm, net={"cell": arm[:3], "units": 2}), sweep={"phase": phase} | sweep
    )
    told = OfStudy(
        {"loss": value, "seen": 0.0}, None, {"metric": "loss", "goal": goal, "sampler": "gp"}
    )
    outcome = "diverged" if value is None else "ok"
    return make_record(run, outcome=outcome, metrics={"loss": 99.0}, study=told)


VALUES = [2.0, None, 5.0, 3.0, 1.0]


def test_a_study_has_a_row_per_number_of_trials(analyse):
    table, arrays = analyse(expected_best, [], records=[trial(i, v) for i, v in enumerate(VALUES)])
    assert not arrays
    assert table["n"].tolist() == [1, 2, 3, 4, 5]
    assert table["running"].tolist() == [2, 2, 5, 5, 5]
    assert table["expected"].to_numpy() == pytest.approx(
        of_values(np.array([2.0, 1.0, 5.0, 3.0, 1.0]))
    )
    assert (table["n_trials"].unique(), table["n_diverged"].unique()) == ([5], [1])
    assert (table["metric"].unique(), table["goal"].unique()) == (["loss"], ["highest"])


def test_of_a_loss_the_best_is_the_lowest_and_a_diverged_trial_the_highest(analyse):
    table, _ = analyse(
        expected_best, [], records=[trial(i, v, goal="lowest") for i, v in enumerate(VALUES)]
    )
    assert table["running"].tolist() == [2, 2, 2, 2, 1]
    assert table["expected"].iloc[[0, -1]].tolist() == pytest.approx([(2 + 5 + 5 + 3 + 1) / 5, 1])
    assert (table["low"] <= table["expected"]).all()
    assert (table["expected"] <= table["high"]).all()


def test_trials_count_in_the_order_tried_whatever_the_order_of_their_files(analyse):
    records = [trial(i, v) for i, v in enumerate(VALUES)]
    assert analyse(expected_best, [], records=records)[0].equals(
        analyse(expected_best, [], records=records[::-1])[0]
    )


def test_arms_and_points_of_the_sweep_are_studies_of_their_own_and_reruns_no_trials(analyse):
    records = [
        *(trial(i, float(i), **{"net.budget": budget}) for i in range(4) for budget in (10, 20)),
        *(trial(i, -float(i), arm="rnn-relu", **{"net.budget": 10}) for i in range(3)),
        trial(0, 100.0, phase="rerun", **{"net.budget": 10}),
    ]
    table, _ = analyse(expected_best, [], records=records)
    sizes = table.groupby(["arm", "budget"])["n"].max()
    assert sizes.to_dict() == {("rnn", 10): 4, ("rnn", 20): 4, ("rnn-relu", 10): 3}
    assert table.groupby(["arm", "budget"])["running"].last().tolist() == [3, 3, 0]
    assert not {"run", "seed", "outcome", "phase"} & set(table)
    assert {"experiment", "cell", "units", "depth", "n_parameters", "curriculum"} <= set(table)


def test_the_interval_covers_what_more_trials_would_have_given(analyse):
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(40):
        values = rng.uniform(size=30)
        table, _ = analyse(
            expected_best, [], records=[trial(i, float(v)) for i, v in enumerate(values)]
        )
        row = table.iloc[4]
        # of five uniform values the highest is 5/6 on average
        hits.append(row["low"] <= 5 / 6 <= row["high"])
    assert np.mean(hits) > 0.85


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    monkeypatch.setattr(statistics, "N_RESAMPLES", 300)


def test_a_study_that_only_diverged_has_empty_rows_and_two_trials_no_interval(analyse):
    lost, _ = analyse(expected_best, [], records=[trial(i, None) for i in range(3)])
    assert lost[["expected", "low", "high", "running"]].isna().all(axis=None)
    assert lost["n_diverged"].tolist() == [3, 3, 3]
    two, _ = analyse(expected_best, [], records=[trial(0, 1.0), trial(1, 3.0)])
    assert two["expected"].tolist() == [2, 3]
    assert two[["low", "high"]].isna().all(axis=None)


def test_without_trials_the_table_is_empty_but_has_its_columns(analyse):
    record = trial(0, 1.0)
    record = replace(record, run=replace(record.run, sweep={"net.budget": 10}))
    table, _ = analyse(expected_best, [], records=[record])
    assert not len(table)
    assert {"arm", "budget", "n", "expected", "low", "high", "running", "metric"} <= set(table)
