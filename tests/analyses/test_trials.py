"""Trials in the schema of the published data set, and what is said about studies of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.plans import make_run
from helpers.trial_tables import study, tables, trial
from slowpoints import cells
from slowpoints.analyses import importance, trials, welch
from slowpoints.provenance.record import OfStudy

SCHEMA = [
    "architecture",
    "task_type",
    "hparams",
    "n_layers",
    "hyper_iter",
    "max_params",
    "num_params",
    "train_loss",
    "valid_loss",
    "eval_loss",
]


def test_a_trial_is_a_row_of_the_published_schema():
    record = trial("lstm", 3, 0.4)
    (row,) = tables([record])["trials"].to_dict("records")
    assert set(SCHEMA) <= set(row)
    assert (row["architecture"], row["task_type"], row["n_layers"], row["hyper_iter"]) == (
        "lstm",
        "mem_thru",
        1,
        3,
    )
    assert (row["train_loss"], row["valid_loss"], row["eval_loss"]) == (0.4, 0.4, 0.4)
    assert (row["run"], row["phase"], row["seed"], row["num_params"]) == (
        record.id,
        "trial",
        3,
        100,
    )


def test_reruns_are_rows_without_a_number_among_the_trials():
    table = tables([trial("gru", 0, 0.4), trial("gru", 5, 0.4, phase="rerun")])["trials"]
    assert table["hyper_iter"].tolist()[0] == 0
    assert math.isnan(table["hyper_iter"].tolist()[1])
    assert table["seed"].tolist() == [0, 5]


def test_what_is_to_be_high_stands_negative_so_that_low_is_good():
    record = trial("rnn", 0, 0.4)
    task = {
        "name": "perceptron",
        "n_in": 6,
        "n_steps": 5,
        "labels_per_parameter": 1.0,
        "inject": "once",
    }
    told = OfStudy(
        {"accuracy": 0.8}, 0.4, {"metric": "accuracy", "goal": "highest", "sampler": "gp"}
    )
    run = replace(record.run, task=make_run(task=task).task)
    record = replace(record, run=run, metrics={"accuracy": 0.4}, study=told)
    (row,) = tables([record])["trials"].to_dict("records")
    assert (row["valid_loss"], row["eval_loss"], row["train_loss"], row["baseline"]) == (
        -0.8,
        -0.4,
        0.4,
        -0.5,
    )
    assert row["worse"]
    assert row["task_type"] == "per_cap"


@pytest.mark.parametrize(
    ("loss", "infeasible", "worse"),
    [(None, True, False), (0.9, False, False), (1.005, False, False), (1.02, False, True)],
)
def test_networks_fail_in_two_ways(loss, infeasible, worse):
    (row,) = (
        tables([trial("rnn", 0, loss), trial("rnn", 1, 0.1)])["trials"].iloc[:1].to_dict("records")
    )
    assert (row["infeasible"], row["worse"]) == (infeasible, worse)


def test_the_published_lstm_has_its_names_back():
    suggested = {
        "train.lr": 3.98e-3,
        "train.momentum": 0.9973,
        "train.decay": 1.79e-7,
        "net.keep_bias": 4.89,
        "net.recurrent_scale.forget": 0.036,
        "net.input_scale.candidate": 0.21,
        "net.bias_scale.output": 1.3,
        "task.labels_per_parameter": 3.0,
    }
    named = trials.authors_names(suggested, cell="lstm")
    assert named.pop("optimizer_logit_momentum") == pytest.approx(5.90, abs=0.02)
    assert named == {
        "lr_init": 3.98e-3,
        "l2_decay": 1.79e-7,
        "forget_gate_bias_hack": 4.89,
        "recurrent_matrix_scale_g": 0.036,
        "input_scale_c": 0.21,
        "recurrent_bias_scale_o": 1.3,
        "task.labels_per_parameter": 3.0,
    }
    assert trials.authors_names({"net.input_scale.reset": 1.0}, cell="gru") == {
        "input_scale_reset": 1.0
    }


def test_the_gates_named_by_letters_are_those_of_the_cell():
    lstm = cells.load("lstm")
    assert set(trials.GATES["lstm"]) == {
        stream.name for stream in lstm.build(lstm.Settings()).streams
    }


def test_hyperparameters_are_text_that_reads_back():
    (row,) = tables([trial("gru", 0, 0.4)])["trials"].to_dict("records")
    assert set(json.loads(row["hparams"])) == {"lr_init", "gradient_clip_val", "optimizer"}


def test_a_study_is_summed_up_with_both_kinds_of_failure():
    losses = [0.1, 0.2, 0.3, 0.4, 1.5, None, None, None]
    own = [trial("gru", number, loss) for number, loss in enumerate(losses)]
    own[3] = replace(own[3], outcome="stopped")
    (row,) = tables(own)["trainability"].to_dict("records")
    assert (row["n"], row["n_infeasible"], row["n_worse"], row["n_stopped"], row["baseline"]) == (
        8,
        3,
        1,
        1,
        1.0,
    )
    assert (row["infeasible"], row["worse"]) == (3 / 8, 1 / 8)
    assert row["infeasible_low"] < 3 / 8 < row["infeasible_high"]
    assert [row[name] for name in ("min", "q1", "median", "q3", "max")] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 1.5]
    )
    assert (row["mean"], row["sd"]) == pytest.approx(
        (0.5, np.std([0.1, 0.2, 0.3, 0.4, 1.5], ddof=1))
    )


def test_studies_are_told_apart_by_arm_phase_and_sweep_point():
    records = study("gru") + study("rnn") + study("gru", phase="rerun") + study("gru-4")
    assert len(tables(records)["trainability"]) == 4
    swept = [row for budget in (100, 200) for row in study("gru", **{"net.budget": budget})]
    assert tables(swept)["trainability"]["budget"].tolist() == [100, 200]


def test_a_study_that_diverged_altogether_has_shares_and_no_losses():
    (row,) = tables(study("gru", learned=False))["trainability"].to_dict("records")
    assert row["infeasible"] == 1
    assert math.isnan(row["median"])


def test_arms_of_one_depth_are_compared_by_the_tests_of_scipy():
    records = (
        study("gru", n=9) + study("rnn", n=8) + study("lstm", n=7) + study("gru-4") + study("rnn-4")
    )
    made = tables(records)
    table = made["welch"]
    assert table[["depth", "arm", "other"]].to_numpy().tolist() == [
        [1, "gru", "rnn"], [1, "gru", "lstm"], [1, "rnn", "lstm"], [4, "gru-4", "rnn-4"]
    ]  # fmt: skip
    x, y = (
        made["trials"].query(f"arm == '{arm}'")["eval_loss"].dropna() for arm in ("gru", "lstm")
    )
    wanted = stats.ttest_ind(x, y, equal_var=False)
    row = table.iloc[1]
    assert (row["t"], row["df"], row["p"]) == pytest.approx(
        (wanted.statistic, wanted.df, wanted.pvalue)
    )
    assert row["rank_p"] == pytest.approx(stats.mannwhitneyu(x, y).pvalue)
    assert (row["n"], row["other_n"]) == (8, 6)
    assert (table["p_holm"] >= table["p"]).all()
    assert table["p_holm"].iloc[3] == table["p"].iloc[3], "another depth is another family"


def test_t_is_negative_where_the_second_group_is_larger():
    low, high = np.array([0.1, 0.2, 0.3]), np.array([1.1, 1.3, 1.2])
    assert welch.compared(low, high)["t"] < 0 < welch.compared(high, low)["t"]


@pytest.mark.parametrize("other", [[], [0.1], [0.2, 0.2]])
def test_groups_that_do_not_vary_are_not_tested(other):
    found = welch.compared(np.array([0.1, 0.2, 0.4]), np.array(other))
    assert all(math.isnan(value) for value in found.values())


def test_one_arm_alone_has_nobody_to_be_compared_with():
    assert tables(study("gru"))["welch"].empty


def drawn(n: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    """Return trials whose loss depends on lr alone."""
    rng = np.random.default_rng(0)
    values = pd.DataFrame(
        {"train.lr": 10 ** rng.uniform(-4, -1, n), "train.clip": rng.uniform(1, 100, n)}
    )
    values["train.optimizer"] = rng.choice(["adam", "sgd"], n)
    return values, np.abs(np.log10(values["train.lr"].to_numpy()) + 2)


def noise(n: int = 60) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 0.1, n)


def test_the_hyperparameter_that_decides_is_the_important_one():
    values, loss = drawn()
    found = importance.importance(values, loss, best=0.25)
    assert sum(found.values()) == pytest.approx(1)
    assert found["train.lr"] > 0.7
    by_name = importance.importance(
        values, (values["train.optimizer"] == "sgd") + noise(), best=0.4
    )
    assert max(by_name, key=by_name.get) == "train.optimizer"


def test_importance_sees_the_order_of_values_and_losses_alone():
    values, loss = drawn()
    other = values.assign(**{"train.lr": np.log(values["train.lr"])})
    assert importance.importance(other, np.exp(loss), best=0.25) == importance.importance(
        values, loss, best=0.25
    )


def test_diverged_trials_are_the_worst():
    values, _ = drawn()
    diverged = np.where(values["train.clip"] > 50, np.inf, noise())
    found = importance.importance(values, diverged, best=0.25)
    assert max(found, key=found.get) == "train.clip"


def test_where_nearly_all_diverged_nothing_is_important():
    values, loss = drawn()
    loss[3:] = np.inf
    assert all(
        math.isnan(value) for value in importance.importance(values, loss, best=0.25).values()
    )
    table = tables(study("gru", learned=False))["importance"]
    assert table["importance"].isna().all()


def test_importance_is_of_trials_per_study_with_repeatable_intervals():
    records = study("gru", n=24) + study("rnn", n=24) + study("gru", n=8, phase="rerun")
    table = tables(records, importance={"n_resamples": 40})["importance"]
    assert table.groupby("arm")["importance"].sum().tolist() == pytest.approx([1, 1])
    assert set(table["n"]) == {24}
    assert set(table["n_feasible"]) == {23}
    best = table.sort_values("importance").groupby("arm").tail(1)
    assert set(best["hyperparameter"]) == {"train.lr"}
    assert (best["low"] > 0).all()
    assert (table["high"] <= 1).all()
    pd.testing.assert_frame_equal(
        table, tables(records, importance={"n_resamples": 40})["importance"]
    )


def test_gates_are_also_taken_together():
    shares = {"train.lr": 0.5, "net.input_scale.gate": 0.3, "net.input_scale.candidate": 0.2}
    assert importance.with_sums(shares) == shares | {"net.input_scale": 0.5}
    assert importance.with_sums({"train.lr": 1.0}) == {"train.lr": 1.0}


def test_reruns_alone_leave_no_hyperparameter_to_be_judged():
    table = tables(study("gru", phase="rerun"))["importance"]
    assert table.empty
    assert list(table)[-3:] == ["importance", "low", "high"]
