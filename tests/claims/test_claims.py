"""Claims: estimates on small tables with known answers, verdicts, and the numbers of the text."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.claim_tables import PLAIN, claim, found, networks
from slowpoints.claims.estimate import ClaimError, estimate
from slowpoints.claims.judge import NOT_JUDGED, judge, numbers, statistic_text, verdict
from slowpoints.measures.statistics import Interval
from slowpoints.provenance.records import write_table


def test_a_mean_is_over_networks_not_rows():
    table = pd.DataFrame(
        {"run": ["a", "a", "a", "b"], "seed": [0, 0, 0, 1], "mse": [1.0, 1.0, 1.0, 3.0]}
    )
    assert found(PLAIN, table).estimate == 2.0


def test_difference_ratio_and_spread_of_groups():
    cells, region = (
        {"groups": {"cell": ["gru", "pru"]}, "where": {"load": 2}},
        {"y": "mse", "above": 0},
    )
    table = networks()
    assert found(
        {"statistic": "ratio", "table": "t"} | cells | region, table
    ).estimate == pytest.approx(2)
    difference = found({"statistic": "difference", "table": "t"} | cells | region, table)
    assert difference.estimate == pytest.approx(2 * 1.025)
    spread = {
        "statistic": "spread",
        "table": "t",
        "by": "cell",
        "where": {"load": "largest"},
    } | region
    assert found(spread, table).estimate == pytest.approx(2)


def test_medians_of_groups_are_not_moved_by_outliers():
    table = networks().assign(
        mse=lambda t: t["mse"].where((t["seed"] > 0) | (t["cell"] == "pru"), 1e6)
    )
    test = {
        "statistic": "median_difference",
        "table": "t",
        "groups": {"cell": ["gru", "pru"]},
        "y": "mse",
        "above": 0,
    }
    interval = found(test | {"where": {"load": 2}}, table)
    assert interval.estimate == pytest.approx(4 * 1.035 - 2 * 1.025)
    assert 0 < interval.low < interval.estimate
    assert found(test | {"where": {"load": 2}, "log": True}, networks()).estimate == pytest.approx(
        np.log10(2)
    )
    assert statistic_text(claim(test).test) == "difference in the median of mse, gru - pru"


def lost(n_true: tuple[int, int], *, n: int = 24) -> pd.DataFrame:
    rows = [
        {"run": f"{cell}/{seed}", "cell": cell, "seed": seed, "infeasible": seed < n_lost}
        for cell, n_lost in zip(("irnn", "gru"), n_true, strict=True) for seed in range(n)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_difference_of_shares_is_uncertain_also_where_both_are_zero():
    test = {
        "statistic": "share_difference",
        "table": "t",
        "groups": {"cell": ["irnn", "gru"]},
        "y": "infeasible",
        "above": 0,
    }
    assert found(test, lost((12, 3))).estimate == pytest.approx(9 / 24)
    assert verdict(claim(test).test, found(test, lost((12, 3)))) == "holds"
    assert verdict(claim(test).test, found(test, lost((3, 12)))) == "fails"
    assert verdict(claim(test).test, found(test, lost((0, 0)))) == "undecided"
    assert statistic_text(claim(test).test) == "difference in the share with infeasible, irnn - gru"
    with pytest.raises(ClaimError, match="a share of mse, which is not true or false"):
        found(test | {"y": "mse", "groups": {"cell": ["pru", "gru"]}}, networks())


def test_pairs_cancel_what_they_share():
    test = {"statistic": "paired_difference", "table": "t", "groups": {"cell": ["gru", "pru"]},
            "pair": ["load", "seed"], "y": "mse", "log": True, "above": 0}  # fmt: skip
    interval = found(test, networks())
    assert interval == pytest.approx((np.log10(2),) * 3)


def test_pairs_that_do_not_tell_networks_apart_are_refused():
    test = {"statistic": "paired_difference", "table": "t", "groups": {"cell": ["gru", "pru"]},
            "pair": ["seed"],
            "y": "mse", "above": 0}  # fmt: skip
    with pytest.raises(ClaimError, match="name more columns in 'pair'"):
        found(test, networks())


def test_the_slope_of_a_power_law_is_its_exponent():
    test = {
        "statistic": "slope",
        "table": "t",
        "x": "load",
        "y": "mse",
        "log": True,
        "above": 0.9,
        "below": 1.1,
    }
    assert found(test | {"where": {"cell": "gru"}}, networks()).estimate == pytest.approx(1)


def test_names_are_ranked_by_their_order():
    test = {
        "statistic": "spearman",
        "table": "t",
        "x": "cell",
        "y": "mse",
        "where": {"load": 2},
        "below": 0,
    }
    assert found(test | {"order": ["gru", "pru"]}, networks()).estimate < -0.8
    assert found(test | {"order": ["pru", "gru"]}, networks()).estimate > 0.8


def test_who_never_solved_a_task_took_longest():
    test = {
        "statistic": "spearman",
        "table": "t",
        "x": "load",
        "y": "steps",
        "empty": "highest",
        "above": 0,
    }
    assert found(test, networks()).estimate == pytest.approx(1)


def test_a_correlation_given_a_third_column_leaves_out_what_that_carries():
    draw = np.random.default_rng(0)
    nominal = draw.normal(size=400)
    table = pd.DataFrame(
        {"run": np.repeat(np.arange(40).astype(str), 10), "seed": np.repeat(np.arange(40), 10)}
    )
    table = table.assign(
        nominal=nominal, speed=nominal + draw.normal(size=400), kept=nominal + draw.normal(size=400)
    )
    test = {"statistic": "spearman", "table": "t", "x": "speed", "y": "kept", "below": 0}
    assert found(test, table).low > 0.3
    partial = found(test | {"given": "nominal"}, table)
    assert partial.low < 0 < partial.high
    assert statistic_text(claim(test | {"given": "nominal"}).test).endswith(
        "of speed and kept given nominal"
    )
    unknown = table.assign(nominal=table["nominal"].where(table["seed"] > 0))
    assert estimate(claim(test | {"given": "nominal"}).test, unknown).n_networks == 39
    with pytest.raises(ClaimError, match=r"no column \['nominl'\]"):
        found(test | {"given": "nominl"}, table)


def classes_of_networks(slopes: list[float]) -> pd.DataFrame:
    """Networks of ten classes each; those with larger x have much larger y, whatever is in them."""
    rows = [
        {"run": f"r{i}", "seed": i, "x": i + 0.01 * k, "y": 10.0 * i + slope * 0.01 * k}
        for i, slope in enumerate(slopes)
        for k in range(10)
    ]
    return pd.DataFrame(rows)


def test_a_correlation_within_networks_does_not_see_what_lies_between_them():
    table = classes_of_networks([-1.0] * 6)
    plain = {"statistic": "spearman", "table": "t", "x": "x", "y": "y", "below": 0}
    assert found(plain, table).estimate > 0.9
    assert found(plain | {"within": True}, table) == pytest.approx((-1.0, -1.0, -1.0))


def test_its_interval_is_that_of_a_mean_over_networks():
    table = classes_of_networks([-1.0] * 12)
    table["y"] += np.random.default_rng(0).normal(scale=0.04, size=len(table))
    test = {"statistic": "spearman", "within": True, "table": "t", "x": "x", "y": "y", "below": 0}
    own = found(test, table)
    rho = np.array([stats.spearmanr(one["x"], one["y"])[0] for _, one in table.groupby("run")])
    half = stats.t.ppf(0.975, len(rho) - 1) * rho.std(ddof=1) / len(rho) ** 0.5
    assert own == pytest.approx((rho.mean(), rho.mean() - half, rho.mean() + half), abs=0.02)


def test_networks_in_which_nothing_varies_say_nothing_about_what_is_within():
    table = classes_of_networks([-1.0] * 4)
    table.loc[table["run"] == "r0", "y"] = 5.0
    test = {"statistic": "spearman", "within": True, "table": "t", "x": "x", "y": "y", "below": 0}
    assert found(test, table).estimate == pytest.approx(-1.0)
    assert estimate(claim(test).test, table).n_networks == 3
    few = table[(table["run"] != "r1") | (table.index % 10 < 3)]  # of three rows it says little
    assert estimate(claim(test).test, few).n_networks == 2
    settled = classes_of_networks([-1.0] * 4).assign(z=lambda own: own["x"])
    assert np.isnan(found(test | {"given": "z"}, settled).estimate)
    table["y"] = 1.0
    assert np.isnan(found(test, table).estimate)


def test_the_distance_does_not_cancel_by_sign():
    table = pd.DataFrame({"run": list("ab"), "seed": [0, 1], "mse": [0.0, 2.0], "line": [1.0, 1.0]})
    test = {"statistic": "distance", "table": "t", "y": "mse", "to": "line", "below": 3}
    assert found(test, table).estimate == 1


def test_a_share_of_one_is_not_certain():
    table = pd.DataFrame(
        {"run": list("abcd"), "seed": range(4), "class": range(4), "label": range(4)}
    )
    test = {"statistic": "share", "table": "t", "x": "label", "y": "class", "above": 0.9}
    assert found(test, table).estimate == 1
    assert found(test, table).low < 0.9


def test_the_best_row_counts_where_one_is_selected():
    table = networks().assign(tried=lambda t: t.groupby("cell").cumcount())
    test = PLAIN | {"select": {"per": ["cell"], "lowest": "mse"}, "where": {"cell": "pru"}}
    assert found(test, table).estimate == 1


@pytest.mark.parametrize("wanted", ["lstm", ["pru", "lstm"], {"from": 9}])
def test_rows_that_are_not_there_are_an_error(wanted):
    with pytest.raises(ClaimError, match="no row where"):
        found(
            PLAIN | {"where": {"load" if isinstance(wanted, dict) else "cell": wanted}}, networks()
        )


def test_a_missing_column_is_an_error():
    with pytest.raises(ClaimError, match=r"no column \['bits'\]; it has"):
        found(PLAIN | {"y": "bits"}, networks())


def test_a_group_that_all_diverged_leaves_nothing_to_estimate():
    table = networks().assign(mse=lambda t: t["mse"].where(t["cell"] == "pru"))
    test = {
        "statistic": "difference",
        "table": "t",
        "groups": {"cell": ["gru", "pru"]},
        "y": "mse",
        "above": 0,
    }
    interval = found(test, table)
    assert verdict(claim(test).test, interval) == "undecided"
    assert np.isnan(interval.estimate)


@pytest.mark.parametrize(
    ("region", "low", "high", "expected"),
    [
        ({"above": 0.0}, 0.1, 0.2, "holds"),
        ({"above": 0.0}, -0.1, 0.2, "undecided"),
        ({"above": 0.0}, -0.2, -0.1, "fails"),
        ({"above": 0.0}, 0.0, 0.1, "undecided"),
        ({"above": -1.0, "below": 1.0}, -0.5, 0.5, "holds"),
        ({"above": -1.0, "below": 1.0}, 1.5, 2.5, "fails"),
        ({"above": -1.0, "below": 1.0}, 0.5, 1.5, "undecided"),
        ({"above": -1.0, "below": 1.0}, -3.0, 3.0, "undecided"),
        ({"apart": 1.0}, -3.0, -2.0, "holds"),
        ({"apart": 1.0}, -0.5, 0.5, "fails"),
        ({"apart": 1.0}, -2.0, 2.0, "undecided"),
        ({"above": 0.0}, np.nan, np.nan, "undecided"),
    ],
)
def test_the_verdict_follows_from_interval_and_region(region, low, high, expected):
    test = claim({key: value for key, value in PLAIN.items() if key != "above"} | region).test
    assert verdict(test, Interval(0.0, low, high)) == expected


@pytest.fixture
def judged(tmp_path: Path):
    """Return what judging two claims, one of them for another scale, gives."""
    path = tmp_path / "outcomes.csv"
    write_table(path, networks().assign(outcome="ok"))
    claims = [claim(PLAIN, id="now"), claim(PLAIN, id="later", judged_at=["paper"], of="PRU")]
    experiment = SimpleNamespace(name="e", paper="long2016", claims=claims)
    rows = judge([experiment], {("e", "outcomes"): path}, scale="laptop")
    return rows, numbers(rows, [], {"e": path}, stamps={"scale": "laptop"})


def test_a_claim_is_judged_only_at_its_scales(judged):
    rows, _ = judged
    assert [row["verdict"] for row in rows] == ["holds", NOT_JUDGED]
    assert (rows[0]["n"], rows[0]["counted"]) == (36, "36 networks")


def test_the_numbers_of_the_text_are_flat_and_complete(judged):
    rows, flat = judged
    assert flat["claims"] == ["now", "later"]
    assert flat["n_holds"] == flat["n_not_judged_at_this_scale"] == 1
    assert flat["now.estimate_raw"] == rows[0]["estimate"]
    assert flat["later.estimate_raw"] is None
    assert (flat["e.n_runs"], flat["e.n_diverged"], flat["scale"]) == (36, 0, "laptop")
    assert list(flat) == sorted(flat)


def test_a_claim_whose_table_was_not_given_is_an_error():
    experiment = SimpleNamespace(name="e", paper="p", claims=[claim(PLAIN)])
    with pytest.raises(ClaimError, match="no table outcomes of e"):
        judge([experiment], {}, scale="laptop")
