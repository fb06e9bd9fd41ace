"""The analyses of delayed classification behind a convolutional front end, against
explicit loops.
"""

import pytest
import torch

from slowpoints.analyses import memory_curve, slow_points
from slowpoints.analyses._centres import final_states
from slowpoints.analyses._delayed import N_FRAMES, mean_noise, with_trigger, world
from slowpoints.dynamics import speed
from slowpoints.engine import measure, pack, prepare, readout, see, start, state_map, step
from slowpoints.spec.seeds import seed_of

FRONT = {"front": "conv", "front_maps": 3, "front_blocks": 2, "front_widths": [5]}
cells = pytest.mark.parametrize("cell", ["gru", "lstm"])


def followed(g, frames, *, trigger):
    """Return output and states after all frames, seen and fed one by one, with a trigger at the
    last.

    [B, pixel]
    """
    states, prepared = (
        start(g.network, g.params, batch=len(frames[0])),
        prepare(g.network, g.params),
    )
    for t, frame in enumerate(frames):
        x = with_trigger(frame, trigger * (t + 1 == len(frames)))
        y, states = step(
            g.network, prepared, see(g.network, g.params, x.expand(3, *x.shape)), states
        )
    return readout(g.network, g.params, y), states


@cells
def test_a_memory_curve_equals_explicit_sequences_with_a_trigger(group, cell):
    g = group(cell, **FRONT)
    rng = torch.Generator().manual_seed(0)
    shown = [torch.rand(5, 196, generator=rng) for _ in range(10)]
    for delay, out in memory_curve.answers(g, shown[0], iter(shown[1:]), delays=(1, 3, 8)):
        wanted, _ = followed(g, shown[: delay + 1], trigger=1.0)
        torch.testing.assert_close(out, wanted, rtol=1e-5, atol=1e-5)


@cells
def test_final_states_follow_the_image_and_one_noise_for_all(group, cell):
    g = group(cell, **FRONT)
    task = world(g, data_dir=None)
    images = task.images["train"][:, :2]
    final = final_states(g, task, images, n_wait=2, std=0.2, rng=torch.Generator().manual_seed(3))
    rng = torch.Generator().manual_seed(3)
    noise = [
        torch.empty(1, 196).normal_(task.mean, 0.2, generator=rng).expand(20, 196) for _ in range(2)
    ]
    _, states = followed(g, [images.flatten(0, 1), *noise], trigger=0.0)
    torch.testing.assert_close(final.flatten(1, 2), pack(states), rtol=1e-5, atol=1e-5)


def test_noise_is_on_average_its_mean_feature_not_the_feature_of_its_mean(group):
    g = group(**FRONT)
    g.params["front.full0.b"] -= 0.05  # near the kink of the rectifier, where the two differ
    task = world(g, data_dir=None)
    rng = torch.Generator().manual_seed(seed_of("test", "mean_noise"))
    frames = torch.empty(N_FRAMES, 196).normal_(task.mean, task.std, generator=rng)
    wanted = torch.zeros(3, 5)
    for frame in frames:
        wanted += (
            see(g.network, g.params, with_trigger(frame, 0.0).expand(3, 1, 197))[:, 0, :-1]
            / N_FRAMES
        )
    found = mean_noise(g, task)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    of_mean = see(
        g.network, g.params, with_trigger(torch.full((196,), task.mean), 0.0).expand(3, 1, 197)
    )[:, 0, :-1]
    assert (found - of_mean).abs().max() > 1e-3


@cells
def test_slow_points_are_those_under_the_mean_feature(group, analyse, cell):
    g = group(cell, **FRONT)
    table, arrays = analyse(slow_points, [g], n_images=5, n_wait=3, max_iterations=200)
    assert len(table) == 30
    double = g._replace(params={name: value.double() for name, value in g.params.items()})
    x = with_trigger(mean_noise(double, world(g, data_dir=None)), 0.0)
    assert x.shape == (3, 6)
    points = torch.stack([arrays[f"test/arm/{i}/points"] for i in range(3)])
    again = speed(
        state_map(g.network, double.params, x), points, measure=measure(g.network)
    ).flatten()
    torch.testing.assert_close(
        torch.tensor(table["speed"].to_numpy()), again, rtol=1e-9, atol=1e-12
    )
    assert (table["speed"] <= table["start_speed"]).all()


def test_a_run_has_the_same_rows_alone_and_in_company(group, analyse):
    g = group(n_runs=3, **FRONT)
    alone = g._replace(params={k: v[1:2] for k, v in g.params.items()}, records=g.records[1:2])
    small = {"delays": (1, 4, 7), "n_images": 3, "n_noise": 2}
    whole, single = (analyse(memory_curve, [own], **small)[0] for own in (g, alone))
    assert whole[whole["run"] == "test/arm/1"].reset_index(drop=True).equals(single)
