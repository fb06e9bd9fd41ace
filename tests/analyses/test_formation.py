"""Tracking slow points through checkpoints, and what happens when a class is introduced."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.plans import make_record, make_run, trained_by
from slowpoints.analyses import formation, introductions, slow_points
from slowpoints.analyses._tracking import in_use, winner

SMALL = {
    "n_images": 6,
    "n_wait": 3,
    "max_iterations": 40,
    "delays": (3,),
    "n_held_out": 2,
    "n_noise": 2,
}


@pytest.fixture
def grown(group):
    """Return a function giving networks with checkpoints.

    All alike, or on a straight way to the last.
    """

    def build(cell="gru", *, n_checkpoints=3, still=True, curriculum="none"):
        g = group(cell, n_runs=2)
        share = torch.ones(n_checkpoints) if still else torch.linspace(0.8, 1, n_checkpoints)
        history = {
            name: value.unsqueeze(1) * share.view(-1, *[1] * (value.dim() - 1))
            for name, value in g.params.items()
        }
        how = {"snapshots": n_checkpoints, "curriculum": curriculum, "steps": 140, "eval_every": 1}
        records = [trained_by(record, **how) for record in g.records]
        return g._replace(history=history, records=records)

    return build


@pytest.fixture
def followed(analyse):
    """Return a function that runs the search at the end and then the tracking."""

    def run(g, **settings):
        points, arrays = analyse(slow_points, [g], n_images=6, n_wait=3, max_iterations=200)
        table, path = analyse(formation, [g], arrays={"slow_points": arrays}, **SMALL | settings)
        return points, arrays, table, path

    return run


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_at_the_end_the_points_are_those_of_the_search(grown, followed, cell):
    points, arrays, table, path = followed(grown(cell, still=False))
    assert len(table) == 2 * 3 * 10
    last = table[table["step"] == table["step"].max()]
    np.testing.assert_allclose(last["speed"].to_numpy(), points["speed"].to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(
        last["spectral_radius"].to_numpy(), points["spectral_radius"].to_numpy(), rtol=1e-9
    )
    assert last["label"].tolist() == points["label"].tolist()
    for run in table["run"].unique():
        torch.testing.assert_close(path[f"{run}/path"][-1], arrays[f"{run}/points"])
    assert (last["moved"] == 0).all()


def test_a_point_stays_near_the_states_of_its_class_and_is_slower_than_their_mean(grown, followed):
    g = grown(still=False)
    _, _, table, path = followed(g)
    _, _, held, means = followed(g, reach=0.0)
    before = table["step"] < table["step"].max()
    assert (table[before]["speed"].to_numpy() <= held[before]["speed"].to_numpy() + 1e-12).all()
    assert (table[before]["moved"] > 0).any()
    for run in table["run"].unique():
        assert path[f"{run}/path"].shape[:2] == (3, 10)
        away = (path[f"{run}/path"][:-1] - means[f"{run}/path"][:-1]).abs()
        assert 0 < away.max() < 2.0, "two standard deviations of states below one"


def test_company_changes_nothing(grown, followed):
    g = grown(still=False)
    _, _, whole, _ = followed(g)
    alone = g._replace(
        params={k: v[1:] for k, v in g.params.items()},
        history={k: v[1:] for k, v in g.history.items()},
        records=g.records[1:],
    )
    _, _, single, _ = followed(alone)
    both = whole[whole["run"] == "test/arm/1"].reset_index(drop=True)
    for name in ("speed", "pc1", "accuracy_at_3"):
        np.testing.assert_allclose(both[name], single[name], rtol=1e-6, atol=1e-9)


def test_networks_without_checkpoints_are_refused(group, analyse):
    with pytest.raises(ValueError, match=r"formation reads checkpoints: set train\.snapshots"):
        analyse(formation, [group()])


@pytest.mark.parametrize(
    ("curriculum", "stages"),
    [
        ("vocabulary", [(10, 3, 20), (70, 8, 20), (140, 10, 20)]),
        ("delay", [(10, 10, 6), (70, 10, 16), (140, 10, 20)]),
        ("none", [(10, 10, 20), (70, 10, 20)]),
    ],
)
def test_the_stage_of_a_checkpoint_is_that_of_its_last_step(curriculum, stages):
    train = {"steps": 140, "snapshots": 14, "curriculum": curriculum, "eval_every": 10}
    record = make_record(make_run(task={"name": "delayed_classification"}, **train))
    for step, n_classes, n_used_steps in stages:
        found = in_use(record, step // 10 - 1)
        assert found == {"step": step, "n_classes": n_classes, "n_used_steps": n_used_steps}


def test_the_winner_is_sought_among_the_outputs_in_use():
    out = torch.tensor([[[0.0, 1.0, 2.0, 3.0]], [[5.0, 1.0, 2.0, 3.0]]])
    assert winner(out, n_classes=[3, 3]).tolist() == [[2], [-1]]
    assert winner(out, n_classes=[1, 2]).tolist() == [[0], [-1]]


def made_up(n_classes, *, label, label_in_use, accuracy, speed, step):
    return [
        {
            "run": "r",
            "experiment": "test",
            "arm": "a",
            "seed": 0,
            "n_parameters": 1,
            "outcome": "ok",
            "cell": "gru",
            "units": 6,
            "depth": 1,
            "curriculum": "vocabulary",
            "class": k,
            "step": step,
            "n_classes": n_classes,
            "label": label[k],
            "label_in_use": label_in_use[k],
            "accuracy_at_3": accuracy[k],
            "speed": speed[k],
        }
        for k in range(4)
    ]


def test_an_introduction_tells_the_parent_from_the_others(group, analyse):
    g = group(n_runs=1)
    rows = made_up(
        2,
        label=[0, 1, 2, 1],
        label_in_use=[0, 1, 1, -1],
        accuracy=[1, 0.9, 0, 0],
        speed=[1] * 4,
        step=10,
    )
    rows += made_up(4, label=[0, 1, 2, 3], label_in_use=[0, 1, 2, 3], accuracy=[0.8, 0.3, 0, 0],
                    speed=[1, 10, 1, 1], step=20)  # fmt: skip
    table, _ = analyse(introductions, [g], tables={"formation": pd.DataFrame(rows)})
    first, second = table.to_dict("records")
    assert (first["class"], first["parent"], first["label_before"], first["from_class"]) == (
        2,
        1,
        2,
        1.0,
    )
    assert first["accuracy_at_3_parent"] == pytest.approx(-0.6)
    assert first["accuracy_at_3_others"] == pytest.approx(-0.2)
    assert first["accuracy_at_3_cost"] == pytest.approx(-0.4)
    assert first["log10_speed_cost"] == pytest.approx(1.0)
    assert (second["parent"], second["from_class"]) == (-1, 0.0)
    assert np.isnan(second["accuracy_at_3_cost"])
    assert second["accuracy_at_3_others"] == pytest.approx(-0.4)


def test_without_introductions_the_table_is_empty_but_has_its_columns(group, analyse):
    rows = made_up(4, label=[0] * 4, label_in_use=[0] * 4, accuracy=[1] * 4, speed=[1] * 4, step=10)
    table, _ = analyse(introductions, [group(n_runs=1)], tables={"formation": pd.DataFrame(rows)})
    assert table.empty
    assert {"run", "parent", "accuracy_at_3_cost"} <= set(table)


@pytest.mark.parametrize(
    "wrong", [{"delays": (50, 10)}, {"delays": ()}, {"delays": (0,)}, {"n_held_out": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="formation: "):
        formation.Settings(**wrong)
