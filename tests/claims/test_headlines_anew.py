"""The headlines computed anew from the kept tables, with pandas and scipy alone.

Nothing here is imported from the code that judges. Estimates agree to rounding. Where the statistic
is a mean, its interval is Student's over what is independent, which the bootstrap comes near to.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

KEPT = Path(__file__).resolve().parents[2] / "paper" / "reference" / "laptop"
Value = float | tuple[float, float, float]


def table(experiment: str, name: str) -> pd.DataFrame:
    return pd.read_csv(KEPT / "tables" / experiment / f"{name}.csv", comment="#")


CLAIMS = pd.read_csv(KEPT / "claims.csv", comment="#").set_index("id")


def student(values: pd.Series) -> tuple[float, float, float]:
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


def welch(a: pd.Series, b: pd.Series) -> tuple[float, float, float]:
    found = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    return a.mean() - b.mean(), found.low, found.high


def fewer_parameters(other: str) -> Value:
    own = table("long2016-state", "outcomes").query("units == 8").groupby("cell")["n_parameters"]
    return own.mean()["pru"] / own.mean()[other]


def against(experiment: str, other: str, x: str, y: str) -> Value:
    rows = table(experiment, "outcomes").set_index([x, "seed"])
    value = np.log10(rows[y]) if y == "mse" else rows[y].astype(float)
    change = value[rows["cell"] == "pru"] - value[rows["cell"] == other]
    return student(change.dropna())


def depends(experiment: str, cell: str, x: str, y: str = "mse") -> Value:
    rows = table(experiment, "outcomes").query("cell == @cell")
    return float(stats.spearmanr(rows[x], rows[y].fillna(np.inf)).statistic)


def reruns(experiment: str) -> pd.DataFrame:
    return table(experiment, "bits").query("phase == 'rerun'")


def bits(*arms: str) -> Value:
    rows = reruns("collins2017-capacity").query("arm in @arms and budget == 1000")
    return student(rows.groupby(["arm", "study"])["bits_per_parameter"].mean())


def linear(arm: str) -> Value:
    rows = reruns("collins2017-capacity").query("arm == @arm")
    return float(stats.linregress(np.log10(rows["n_parameters"]), np.log10(rows["bits"])).slope)


def longer() -> Value:
    rows = reruns("collins2017-training").query("n_steps == 5")
    means = rows.groupby("steps")["bits_per_parameter"].mean()
    return float(means[51200] / means[3200])


def spread(*arms: str) -> Value:
    rows = reruns("collins2017-capacity").query("arm in @arms and budget == 1000")
    means = rows.groupby("arm")["bits_per_parameter"].mean()
    return float(means.max() / means.min())


def off_the_line(arm: str) -> Value:
    rows = table("collins2017-throughput", "throughput").query("arm == @arm")
    return student((rows["mse"] - rows["line"]).abs())


def harder(cell: str) -> Value:
    rows = table("collins2017-parentheses", "trials").query("phase == 'rerun'")
    loss = np.log10(rows["eval_loss"])
    return welch(loss[rows["arm"] == cell], loss[rows["arm"] == "rnn"])


def on_one_curve(experiment: str) -> Value:
    rows = table(experiment, "coincidence").pivot(index="run", columns="at", values="distance")
    return float((rows["parameters"] - rows["units"]).mean())


def recalled(experiment: str, arm: str, low: int, high: int) -> pd.Series:
    rows = table(experiment, "memory_curve").query("arm == @arm and @low <= delay <= @high")
    return rows.groupby("seed")["accuracy"].mean()


def apart(cell: str, low: int, high: int, experiment: str = "haviv2019-curricula") -> Value:
    return welch(*(recalled(experiment, f"{cell}-{arm}", low, high) for arm in ("decu", "vocu")))


def gained(experiment: str, arm: str, control: str) -> Value:
    change = recalled(experiment, arm, 200, 200) - recalled(experiment, control, 200, 200)
    return student(change)


def within_networks(experiment: str, cell: str) -> Value:
    rows = table(experiment, "longevity").query("cell == @cell")
    own = [
        stats.spearmanr(network["speed"], network["half_life"]).statistic
        for _, network in rows.groupby("run")
        if network["half_life"].nunique() > 1 and network["speed"].nunique() > 1
    ]
    return student(pd.Series(own).dropna())


def beyond_chance(cell: str) -> Value:
    rows = table("haviv2019-curricula", "slow_points").query("cell == @cell")
    share = (rows["label"] == rows["class"]).astype(float) - rows["by_chance"]
    return student(share.groupby(rows["run"]).mean())


def parents_cost() -> Value:
    rows = table("haviv2019-formation", "introductions").dropna(subset=["accuracy_at_10_cost"])
    return student(rows.groupby("run")["accuracy_at_10_cost"].mean())


def optimisers(cell: str) -> Value:
    rows = table("collins2017-path-adding", "outcomes").query("phase == 'rerun'")
    error = np.log10(rows["mse"])
    own = (error[rows["arm"] == f"{cell}-{name}"].dropna() for name in ("path", "sgd"))
    return welch(*own)


TANH = ("rnn", "ugrnn", "gru", "lstm")
LATER = ("gru", "pru", "mgu", "minimal_rnn", "min_gru", "min_lstm", "lru")
ANEW: dict[str, Callable[[], Value]] = {
    "long2016-minimal-gru": lambda: fewer_parameters("gru"),
    "long2016-minimal-lstm": lambda: fewer_parameters("lstm"),
    "long2016-parameters-as-good-as-gru": lambda: against(
        "long2016-parameters", "gru", "budget", "mse"
    ),
    "long2016-interfering-as-good-as-lstm": lambda: against(
        "long2016-interfering", "lstm", "n_interfering", "solved"
    ),
    "long2016-targeted-pru": lambda: depends("long2016-targeted", "pru", "n_targeted"),
    "long2016-interfering-gru": lambda: depends("long2016-interfering", "gru", "n_interfering"),
    "long2016-state-lstm": lambda: depends("long2016-state", "lstm", "units"),
    "long2016-adding-marks-pru": lambda: depends(
        "long2016-adding-marks", "pru", "n_marks", "steps_to_solve"
    ),
    "long2016-adding-length-gru": lambda: depends(
        "long2016-adding-length", "gru", "n_steps", "steps_to_solve"
    ),
    "collins2017-five-bits": lambda: bits(*TANH),
    "collins2017-rnn-bits": lambda: bits("rnn"),
    "collins2017-linear-rnn": lambda: linear("rnn"),
    "collins2017-linear-gru": lambda: linear("gru"),
    "collins2017-same-capacity": lambda: spread(*TANH, "intersection_rnn"),
    "collins2017-later-cells": lambda: spread(*LATER),
    "collins2017-one-number-gru": lambda: off_the_line("gru"),
    "collins2017-one-number-min-gru": lambda: off_the_line("min_gru"),
    "collins2017-training-more": longer,
    "collins2017-gated-reruns-gru": lambda: harder("gru"),
    "collins2017-text-coincide": lambda: on_one_curve("collins2017-text"),
    "collins2017-functions-coincide": lambda: on_one_curve("collins2017-functions"),
    "haviv2019-nominal-gru": lambda: apart("gru", 4, 19),
    "haviv2019-extrapolation-lstm": lambda: apart("lstm", 100, 200),
    "haviv2019-loss-extrapolation-gru": lambda: apart("gru", 100, 200, "haviv2019-loss"),
    "haviv2019-beyond-chance-gru": lambda: beyond_chance("gru"),
    "haviv2019-in-network-gru": lambda: within_networks("haviv2019-curricula", "gru"),
    "haviv2019-in-network-lstm": lambda: within_networks("haviv2019-curricula", "lstm"),
    "haviv2019-formation-cost": parents_cost,
    "haviv2019-noise-memory-gru": lambda: gained(
        "haviv2019-ablations", "gru-noise-1e-3", "gru-none"
    ),
    "haviv2019-loss-noise-memory-gru-decu": lambda: gained(
        "haviv2019-loss-control", "gru-decu-penalty", "gru-decu-none"
    ),
    "haviv2019-drift-memory-lstm": lambda: gained(
        "haviv2019-ablations", "lstm-drift-3", "lstm-none"
    ),
    "haviv2019-vocu-scatter-memory-gru": lambda: gained(
        "haviv2019-ablations-vocu", "gru-scatter-1e-3", "gru-none"
    ),
    "collins2017-path-sgd-adding-rnn": lambda: optimisers("rnn"),
}


@pytest.mark.parametrize("name", ANEW)
def test_a_claim_of_a_headline_comes_out_the_same_when_computed_otherwise(name: str) -> None:
    kept, found = CLAIMS.loc[name], ANEW[name]()
    estimate, *ends = found if isinstance(found, tuple) else (found,)
    assert estimate == pytest.approx(kept["estimate"], rel=1e-9, abs=1e-12)
    width = kept["high"] - kept["low"]
    if ends and width > 0:
        np.testing.assert_allclose(ends, [kept["low"], kept["high"]], atol=0.3 * width)


def test_every_headline_has_a_claim_that_is_computed_anew() -> None:
    headlines = pd.read_csv(KEPT / "headlines.csv", comment="#")
    without = [
        one["says"] for _, one in headlines.iterrows() if not set(one["claims"].split()) & set(ANEW)
    ]
    assert without == []
