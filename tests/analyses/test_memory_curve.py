import itertools

import pytest
import torch

from slowpoints.analyses import memory_curve
from slowpoints.analyses._delayed import with_trigger, world
from slowpoints.engine import pack, readout, unroll

SMALL = {"delays": (1, 4, 7), "n_images": 3, "n_noise": 2}


@pytest.mark.parametrize("cell", ["gru", "lstm", "pru", "rnn"])
def test_the_branched_rollout_equals_explicit_sequences_with_a_trigger(group, cell):
    g = group(cell)
    rng = torch.Generator().manual_seed(0)
    stimulus = torch.rand(5, 196, generator=rng)
    noise = [torch.rand(5, 196, generator=rng) for _ in range(10)]
    rollout = list(memory_curve.answers(g, stimulus, iter(noise), delays=(1, 3, 9)))
    assert [delay for delay, _ in rollout] == [1, 3, 9]
    for delay, out in rollout:
        frames = [with_trigger(frame, 0.0) for frame in [stimulus, *noise[: delay - 1]]]
        x = torch.stack([*frames, with_trigger(noise[delay - 1], 1.0)], 1)
        y, _ = unroll(g.network, g.params, x.expand(3, *x.shape), last=1)
        torch.testing.assert_close(
            out, readout(g.network, g.params, y)[:, :, 0], rtol=1e-5, atol=1e-5
        )


def test_the_states_met_at_a_delay_have_seen_the_image_and_all_frames_before(group):
    g = group("lstm")
    rng = torch.Generator().manual_seed(0)
    stimulus, *noise = (torch.rand(4, 196, generator=rng) for _ in range(40))
    for delay, frame, states in memory_curve.rollout(g, stimulus, iter(noise), delays=(2, 31)):
        x = torch.stack([with_trigger(seen, 0.0) for seen in [stimulus, *noise[: delay - 1]]], 1)
        _, wanted = unroll(g.network, g.params, x.expand(3, *x.shape))
        assert frame is noise[delay - 1]
        torch.testing.assert_close(pack(states), pack(wanted), rtol=1e-5, atol=1e-5)


def test_there_is_one_row_per_run_class_and_delay(group, analyse):
    table, arrays = analyse(memory_curve, [group(n_runs=2), group("lstm", n_runs=1)], **SMALL)
    assert len(table) == 3 * 10 * 3
    assert not arrays
    assert (table["n"] == 6).all()
    assert table["accuracy"].between(0, 1).all()
    assert (
        table["accuracy_classes"] >= table["accuracy"] - 1e-12
    ).all()  # without null as a competitor
    assert {"run", "experiment", "arm", "seed", "cell", "units", "curriculum"} <= set(table)


def test_a_network_that_always_says_null_is_never_right(group, analyse):
    g = group()
    g.params["readout.b"][:, 0] = 1e3
    table, _ = analyse(memory_curve, [g], **SMALL)
    assert (table["accuracy"] == 0).all()
    assert (table["accuracy_classes"] > 0).any()


def test_a_network_that_always_says_one_class_is_right_for_that_class_only(group, analyse):
    g = group(n_classes=4)
    g.params["readout.b"][:, 3] = 1e3  # class 2
    table, _ = analyse(memory_curve, [g], **SMALL)
    assert sorted(table["class"].unique()) == [0, 1, 2, 3]
    assert (table["accuracy"] == (table["class"] == 2)).all()
    assert (table["accuracy_sd"] == 0).all()


def test_all_networks_see_the_same_noise_whatever_their_company(group, analyse):
    g = group(n_runs=3)
    alone = g._replace(params={k: v[1:2] for k, v in g.params.items()}, records=g.records[1:2])
    whole, _ = analyse(memory_curve, [g], **SMALL)
    single, _ = analyse(memory_curve, [alone], **SMALL)
    assert whole[whole["run"] == "test/arm/1"].reset_index(drop=True).equals(single)


def test_rows_have_noise_of_their_own_with_the_spread_asked_for():
    frames = memory_curve.noise(
        torch.zeros(50, 196), mean=0.2, std=0.3, rng=torch.Generator().manual_seed(0)
    )
    first, second = itertools.islice(frames, 2)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert first.mean().item() == pytest.approx(0.2, abs=0.02)
    assert first.std().item() == pytest.approx(0.3, abs=0.02)


def test_one_noise_sequence_and_more_images_than_there_are_still_work(group, analyse):
    table, _ = analyse(memory_curve, [group(n_runs=1)], delays=(1,), n_images=1000, n_noise=1)
    n_held_out = world(group(), data_dir=None).images["test"].shape[1]
    assert (table["n"] == n_held_out).all()
    assert table["accuracy_sd"].isna().all()


def test_without_any_network_the_table_is_empty_but_has_its_columns(group, analyse):
    g = group()
    empty, _ = analyse(memory_curve, [], records=g.records)
    full, _ = analyse(memory_curve, [g], **SMALL)
    assert len(empty) == 0
    assert list(empty) == list(full)


@pytest.mark.parametrize(
    "wrong", [{"delays": (5, 4)}, {"delays": (0, 4)}, {"delays": ()}, {"n_images": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="memory_curve"):
        memory_curve.Settings(**wrong)
