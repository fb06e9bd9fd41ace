"""Tables of the task itself: example trials, the law of the delays, the schedules of the
curricula.
"""

import math

import pandas as pd
import pytest
import torch

from helpers.plans import trained_by
from slowpoints.analyses import delay_law, example_trials, schedules
from slowpoints.analyses._delayed import world
from slowpoints.engine.draws import Draws
from slowpoints.tasks import delayed_classification as task
from slowpoints.training import curricula


def test_a_trial_is_one_image_of_the_wanted_class_among_noise(group, analyse):
    g = group(n_runs=1)
    table, arrays = analyse(example_trials, [g])
    assert not arrays
    assert len(table) == 2 * 20 * 14 * 14
    images = world(g, data_dir=None).images["train"]
    for _, trial in table.groupby("trial"):
        steps = trial.drop_duplicates("step").set_index("step")
        shown, asked = steps["is_image"], steps["trigger"]
        assert (shown.sum(), asked.sum()) == (1, 1)
        assert asked.idxmax() - shown.idxmax() >= 4
        assert ((steps["target"] >= 0) == (asked == 1)).all()
        frame = torch.tensor(
            trial[trial["is_image"]].sort_values(["row", "column"])["value"].to_numpy()
        ).float()
        assert (images[steps["target"].max()] == frame).all(-1).any(), (
            "not an image of the class that is wanted"
        )


def test_the_two_trials_differ_in_class_stimulus_trigger_and_delay(group, analyse):
    table, _ = analyse(example_trials, [group(n_runs=1)])
    steps = table.drop_duplicates(["trial", "step"]).set_index("step").groupby("trial")
    shown, asked, label = (
        steps[name].agg(how)
        for name, how in (("is_image", "idxmax"), ("trigger", "idxmax"), ("target", "max"))
    )
    for values in (shown, asked, asked - shown, label):
        assert values.nunique() == 2
    again, _ = analyse(example_trials, [group("lstm", n_runs=2)])
    pd.testing.assert_frame_equal(table, again)  # whatever the networks


PUBLISHED = {  # T_max: mean delay, P(shortest), longest, P(longest); from the authors' code
    6: (4.25, 0.750, 5, 0.250),
    8: (4.75, 0.521, 7, 0.0625),
    12: (5.75, 0.340, 11, 0.0156),
    16: (6.75, 0.259, 15, 0.0069),
    20: (7.75, 0.211, 19, 0.0039),
}


@pytest.mark.parametrize("t_max", PUBLISHED)
def test_the_law_of_the_delays_is_exact(t_max):
    mean, shortest, longest, rarest = PUBLISHED[t_max]
    law = delay_law.law(t_max=t_max, delay_min=4)
    assert math.fsum(law.values()) == pytest.approx(1, abs=1e-15)
    assert math.fsum(d * p for d, p in law.items()) == pytest.approx(mean, abs=1e-12)
    assert list(law) == list(range(4, longest + 1))
    assert law[4] == pytest.approx(shortest, abs=5e-4)
    assert law[longest] == pytest.approx(rarest, abs=5e-5)
    assert law[longest] == pytest.approx((t_max - 4) ** -2, rel=1e-14)


@pytest.mark.parametrize("t_max", [6, 12, 20])
def test_sampled_delays_follow_the_law(t_max):
    n = 100_000
    shown, asked = task.timing(task.Settings(n_used_steps=t_max), batch=n, rng=Draws([0]))
    found = torch.bincount(asked - shown)
    for delay, p in delay_law.law(t_max=t_max, delay_min=4).items():
        assert found[delay].item() / n == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))


def test_the_table_holds_every_length_and_its_own_delays(group, analyse):
    table, _ = analyse(delay_law, [group(n_runs=1)])
    assert table["t_max"].unique().tolist() == list(PUBLISHED)
    assert table.groupby("t_max")["delay"].max().tolist() == [t_max - 1 for t_max in PUBLISHED]


def test_a_sequence_without_room_for_a_delay_is_refused():
    with pytest.raises(ValueError, match="t_max is 4; must be at least delay_min"):
        delay_law.law(t_max=4, delay_min=4)


def test_the_schedules_are_those_of_the_curricula(group, analyse):
    g, kinds = group(n_runs=3), ("vocabulary", "delay", "none")
    g = g._replace(
        records=[
            trained_by(record, curriculum=kind)
            for record, kind in zip(g.records, kinds, strict=True)
        ]
    )
    table, _ = analyse(schedules, [g])
    own = {kind: rows for kind, rows in table.groupby("curriculum")}
    assert own["vocabulary"]["n_classes"].tolist() == list(range(2, 11))
    assert (own["vocabulary"]["start"] * 140).tolist() == pytest.approx(
        curricula.SCHEDULES["vocabulary"].starts
    )
    assert set(own["vocabulary"]["t_max"]) == {20}
    assert own["delay"]["t_max"].tolist() == list(range(6, 21, 2))
    assert (own["delay"]["start"] * 140).tolist() == pytest.approx(
        curricula.SCHEDULES["delay"].starts
    )
    assert set(own["delay"]["n_classes"]) == {10}
    assert own["none"][["start", "n_classes", "t_max"]].to_numpy().tolist() == [[0, 10, 20]]
