"""One network per arm, looked at closely.

Its states, the lines between its slow points, its eigenvalues.
"""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from helpers.plans import make_record, make_run
from slowpoints.analyses import between, eigenvalues, memory_curve, slow_points, states
from slowpoints.analyses._chosen import representatives
from slowpoints.engine import measure

SMALL = {"delays": (5, 25), "n_images": 4, "n_followed": 2, "every": 8}
SEEN = (1, 2, 3, 4, 5, 13, 21, 25)  # the delays of a trajectory under these settings
RUN = "test/arm/1"  # the network in the middle


def memory(*accuracies: float) -> pd.DataFrame:
    """Return a memory curve of one arm whose networks are right so often."""
    rows = [(f"test/arm/{i}", "arm", k, a) for i, a in enumerate(accuracies) for k in range(2)]
    return pd.DataFrame(rows, columns=["run", "arm", "class", "accuracy"])


@pytest.fixture
def needs(group, analyse):
    """Return a function giving a group of three networks, and what the analyses need of it."""

    def build(cell="gru"):
        g = group(cell)
        table, arrays = analyse(slow_points, [g], n_images=5, n_wait=3, max_iterations=200)
        tables = {"slow_points": table, "memory_curve": memory(0.9, 0.5, 0.1)}
        return g, {"tables": tables, "arrays": {"slow_points": arrays}}

    return build


@pytest.mark.parametrize(
    ("accuracies", "chosen"),
    [((0.9, 0.1, 0.5), 2), ((0.9, 0.1), 1), ((0.1, 0.9), 0), ((0.5, 0.5, 0.5), 1)],
)
def test_the_network_in_the_middle_is_chosen_and_of_two_the_worse(group, accuracies, chosen):
    g = group(n_runs=len(accuracies))
    (own,) = representatives([g], memory(*accuracies))
    assert [record.run.seed for record in own.records] == [chosen]
    assert all(torch.equal(own.params[name], value[[chosen]]) for name, value in g.params.items())


def test_every_arm_has_its_own_and_a_group_without_one_is_left_out(group):
    first, second = group(n_runs=2), group("lstm", n_runs=1)
    first.records[1] = replace(first.records[1], run=replace(first.records[1].run, arm="other"))
    table = memory(0.9, 0.5).assign(arm=["arm", "arm", "other", "other"])
    table["run"] = table["run"].replace("test/arm/1", "test/other/1")
    (own,) = representatives(
        [first, second._replace(records=[make_record(make_run(arm="elsewhere"))])], table
    )
    assert [record.run.arm for record in own.records] == ["arm", "other"]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_states_trajectories_and_slow_points_lie_in_one_plane(needs, analyse, cell):
    g, given = needs(cell)
    table, arrays = analyse(states, [g], **given, **SMALL)
    assert set(table["run"]) == {RUN}
    assert table["kind"].value_counts().to_dict() == {
        "state": 80,
        "trajectory": 10 * 2 * len(SEEN),
        "slow_point": 10,
    }
    own = dict(tuple(table.groupby("kind")))
    assert tuple(own["trajectory"]["delay"].unique()) == SEEN
    assert tuple(own["state"]["delay"].unique()) == SMALL["delays"]
    assert own["slow_point"][["item", "delay"]].isna().all(axis=None)
    both = own["state"].merge(own["trajectory"], on=["class", "item", "delay"])
    assert len(both) == 10 * 2 * 2
    for name in ("pc1", "pc2", "correct"):
        assert (both[f"{name}_x"] == both[f"{name}_y"]).all()
    mean, axes = arrays[f"{RUN}/mean"], arrays[f"{RUN}/axes"]
    torch.testing.assert_close(axes @ axes.T, torch.eye(2, dtype=torch.float64))
    points = measure(g.network)(given["arrays"]["slow_points"][f"{RUN}/points"])
    place = torch.tensor(own["slow_point"][["pc1", "pc2"]].to_numpy())
    torch.testing.assert_close(place, (points - mean) @ axes.T)
    found = given["tables"]["slow_points"].query("run == @RUN")
    assert own["slow_point"]["correct"].tolist() == (found["label"] == found["class"]).tolist()


def test_the_components_are_uncorrelated_and_explain_less_and_less(needs, analyse):
    g, given = needs("lstm")
    table, _ = analyse(states, [g], **given, **SMALL)
    own = table[table["kind"] == "state"]
    covariance = own[["pc1", "pc2"]].cov(ddof=0).to_numpy()
    assert own[["pc1", "pc2"]].mean().abs().max() < 1e-9
    assert abs(covariance[0, 1]) < 1e-9 * covariance[0, 0]
    first, second = table[["share1", "share2"]].iloc[0]
    assert first >= second > 0
    assert first + second < 1
    assert covariance[0, 0] / covariance[1, 1] == pytest.approx(first / second)


def test_the_plane_of_known_states_is_known():
    rng = torch.Generator().manual_seed(0)
    cloud = torch.randn(5000, 3, generator=rng, dtype=torch.float64) * torch.tensor([1.0, 3.0, 0.1])
    plane = states._plane(cloud + 7)
    torch.testing.assert_close(
        plane.mean, torch.full((3,), 7.0, dtype=torch.float64), rtol=0, atol=0.2
    )
    wanted = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(plane.axes, wanted, rtol=0, atol=0.05)
    assert plane.share.tolist() == pytest.approx([9 / 10.01, 1 / 10.01], abs=0.02)


def test_states_are_the_same_at_every_run_and_right_only_where_the_class_wins(needs, analyse):
    g, given = needs()
    g.params["readout.b"][:, 4] = 1e3  # always class 3
    first, second = (analyse(states, [g], **given, **SMALL)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    seen = first[first["kind"] != "slow_point"]
    assert (seen["correct"] == (seen["class"] == 3)).all()


@pytest.mark.parametrize(
    "wrong", [{"delays": (5, 4)}, {"delays": ()}, {"delays": (0, 1)}, {"every": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="states"):
        states.Settings(**wrong)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_lines_begin_and_end_at_slow_points_with_their_speed_and_class(needs, analyse, cell):
    g, given = needs(cell)
    table, _ = analyse(between, [g], **given, n_fractions=5)
    assert len(table) == 45 * 5
    assert table["fraction"].unique().tolist() == [0, 0.25, 0.5, 0.75, 1]
    found = given["tables"]["slow_points"].query("run == @RUN").set_index("class")
    for fraction, end in ((0, "class"), (1, "other")):
        own = table[table["fraction"] == fraction]
        points = found.loc[own[end]]
        assert own["speed"].tolist() == pytest.approx(points["speed"].tolist(), rel=1e-6, abs=1e-9)
        assert own["label"].tolist() == points["label"].tolist()


def test_neighbours_are_those_nearest_to_either(needs, analyse):
    g, given = needs("lstm")
    table, _ = analyse(between, [g], **given, n_fractions=2)
    pairs = table[table["fraction"] == 0]
    both = pd.concat([pairs, pairs.rename(columns={"class": "other", "other": "class"})])
    closest = both.sort_values("distance").drop_duplicates("class")
    wanted = {frozenset(pair) for pair in closest[["class", "other"]].itertuples(index=False)}
    assert {
        frozenset(p)
        for p in pairs.loc[pairs["nearest"], ["class", "other"]].itertuples(index=False)
    } == wanted


def test_a_line_without_its_ends_is_refused():
    with pytest.raises(ValueError, match="between: n_fractions is 1"):
        between.Settings(n_fractions=1)


def test_the_eigenvalues_are_those_of_the_chosen_network(needs, analyse):
    g, given = needs("lstm")
    table, arrays = analyse(eigenvalues, [g], **given)
    assert not arrays
    assert len(table) == 10 * 12
    assert set(table["run"]) == {RUN}
    sizes = (table["real"] ** 2 + table["imaginary"] ** 2).groupby(table["class"]).max() ** 0.5
    wanted = given["tables"]["slow_points"].query("run == @RUN")["spectral_radius"]
    assert sizes.tolist() == pytest.approx(wanted.tolist(), rel=1e-9)


@pytest.mark.parametrize("module", [states, between, eigenvalues])
def test_without_any_network_the_table_is_empty_but_has_its_columns(module, needs, analyse):
    g, given = needs()
    full, _ = analyse(module, [g], **given)
    empty, arrays = analyse(module, [], records=g.records, **given)
    assert len(empty) == 0
    assert list(empty) == list(full)
    assert not arrays


def test_the_curve_that_chooses_is_the_one_of_the_memory_curve(needs, analyse):
    g, given = needs()
    given["tables"]["memory_curve"] = analyse(
        memory_curve, [g], delays=(1, 4), n_images=3, n_noise=1
    )[0]
    table, _ = analyse(eigenvalues, [g], **given)
    assert table["run"].nunique() == 1
