import numpy as np
import pytest
import torch

from slowpoints.analyses import free_search, longevity, memory_curve, slow_points
from slowpoints.analyses._centres import final_states, starts
from slowpoints.analyses._delayed import mean_noise, with_trigger, world
from slowpoints.analyses._scatter import N_FRAMES, displacements, scatter
from slowpoints.dynamics import jacobian, spectrum, speed
from slowpoints.engine import measure, pack, state_jacobian, state_map, unroll

SMALL = {"n_images": 5, "n_wait": 3, "max_iterations": 200}


def constant_map(group, task):
    """Return the network's map under the mean of the noise, in float64, with its parameters and
    input.
    """
    params = {name: value.double() for name, value in group.params.items()}
    x = with_trigger(torch.full((len(group.records), 196), task.mean, dtype=torch.float64), 0.0)
    return state_map(group.network, params, x), params, x


@pytest.mark.parametrize(("cell", "n_states"), [("gru", 6), ("lstm", 12), ("rnn", 6)])
def test_every_class_gets_a_point_whose_reported_speed_is_its_own(group, analyse, cell, n_states):
    g = group(cell)
    table, arrays = analyse(slow_points, [g], **SMALL)
    assert len(table) == 30
    F, params, x = constant_map(g, world(g, data_dir=None))
    points = torch.stack([arrays[f"test/arm/{i}/points"] for i in range(3)])
    assert points.shape == (3, 10, n_states)
    again = speed(F, points, measure=measure(g.network)).flatten()
    torch.testing.assert_close(
        torch.tensor(table["speed"].to_numpy()), again, rtol=1e-9, atol=1e-12
    )
    assert (table["speed"] <= table["start_speed"]).all()
    assert set(table["kind"]) <= {"open", "fixed", "slow"}
    J = state_jacobian(g.network, params, x)(points)
    kept = torch.view_as_complex(
        torch.stack([arrays[f"test/arm/{i}/eigenvalues"] for i in range(3)])
    )
    torch.testing.assert_close(kept.abs(), spectrum(J).abs(), rtol=1e-6, atol=1e-9)
    radius = torch.tensor(table["spectral_radius"].to_numpy())
    torch.testing.assert_close(radius, kept.abs().amax(-1).flatten())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_noisy_speed_is_drift_and_scatter_together(group, analyse, cell):
    g = group(cell)
    g = g._replace(params={name: value.double() for name, value in g.params.items()})
    table, arrays = analyse(slow_points, [g], **SMALL)
    points = torch.stack([arrays[f"test/arm/{i}/points"] for i in range(3)])
    moved = displacements(g, world(g, data_dir=None), points)
    assert moved.shape == (N_FRAMES, *points.shape)
    drift, scattered = (
        moved.mean(0).norm(dim=-1).flatten(),
        torch.tensor(table["scatter"].to_numpy()),
    )
    noisy = torch.tensor(table["noisy_speed"].to_numpy())
    torch.testing.assert_close(noisy**2, drift**2 + scattered**2, rtol=1e-12, atol=0)
    flat = moved[:, 1, 4].numpy()
    assert table["scatter"][14] ** 2 == pytest.approx(
        np.trace(np.cov(flat, rowvar=False, bias=True)), rel=1e-9
    )
    assert (scattered > 0).all()


def test_without_noise_there_is_the_speed_and_no_scatter(group):
    g = group("lstm")
    g = g._replace(params={name: value.double() for name, value in g.params.items()})
    task = world(g, data_dir=None)._replace(std=0.0)
    points = torch.rand(3, 4, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    F, _, _ = constant_map(g, task)
    found = scatter(g, task, points)
    torch.testing.assert_close(found.noisy_speed, speed(F, points, measure=measure(g.network)))
    assert found.scatter.max() < 1e-12


def test_the_same_noise_is_shown_to_all_networks(group):
    g = group(n_runs=2)
    twins = {name: value[:1].expand_as(value).double() for name, value in g.params.items()}
    points = torch.zeros(2, 3, 6, dtype=torch.float64)
    found = scatter(g._replace(params=twins), world(g, data_dir=None), points)
    torch.testing.assert_close(found.scatter[0], found.scatter[1], rtol=1e-12, atol=0)


def test_participation_is_of_the_leading_direction_at_the_point(group, analyse):
    g = group(n_runs=1)
    table, arrays = analyse(slow_points, [g], **SMALL)
    F, _, _ = constant_map(g, world(g, data_dir=None))
    J = jacobian(F, arrays["test/arm/0/points"].unsqueeze(0))[0, 7]
    values, vectors = np.linalg.eig(J.numpy())
    power = np.abs(vectors[:, np.abs(values).argmax()]) ** 2
    assert table["participation"][7] == pytest.approx(
        power.sum() ** 2 / (power**2).sum() / 6, rel=1e-6
    )


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_under_noise_the_speed_is_the_expected_one(group, analyse, cell, monkeypatch):
    g, used = group(cell), []

    def watched(group, frames):
        used.append(expected(group, frames))
        return used[-1]

    expected = slow_points.expected
    monkeypatch.setattr(slow_points, "expected", watched)
    plain, _ = analyse(slow_points, [g], **SMALL)
    assert not used
    table, arrays = analyse(slow_points, [g], **SMALL, n_noise=4)
    (F,) = used
    assert len(F.maps) == 4
    points = torch.stack([arrays[f"test/arm/{i}/points"] for i in range(3)])
    moved = [speed(frame, points, measure=measure(g.network)).flatten() ** 2 for frame in F.maps]
    speeds = torch.tensor(table["speed"].to_numpy())
    torch.testing.assert_close(speeds, torch.stack(moved).mean(0).sqrt(), rtol=1e-9, atol=1e-12)
    assert (table["speed"] <= table["start_speed"]).all()
    assert (table["speed"] != plain["speed"]).all()


def test_final_states_follow_the_image_and_the_steps_of_noise(group):
    g, mean = group("lstm"), 0.4
    task = world(g, data_dir=None)._replace(mean=mean)
    images = task.images["train"][:, :2]
    rng = torch.Generator().manual_seed(0)
    final = final_states(g, task, images, n_wait=3, std=0.0, rng=rng)
    frames = [images.flatten(0, 1), *[torch.full((20, 196), mean)] * 3]
    x = torch.stack([with_trigger(frame, 0.0) for frame in frames], 1)
    _, states = unroll(g.network, g.params, x.expand(3, *x.shape))
    torch.testing.assert_close(final.flatten(1, 2), pack(states), rtol=1e-5, atol=1e-5)


def test_points_stay_within_the_region_of_their_class(group):
    g = group()
    task = world(g, data_dir=None)
    double = g._replace(params={name: value.double() for name, value in g.params.items()})
    final = torch.randn(
        3, 10, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    begin = starts(double, mean_noise(double, task), final, n_deviations=1.5)
    assert (begin.lower <= begin.centres).all()
    assert (begin.centres <= begin.upper).all()
    assert (begin.lower >= final.amin(2)).all()
    assert (begin.upper <= final.amax(2)).all()


def test_only_trials_read_out_correctly_count_for_the_centre(group):
    g = group(n_runs=1, n_classes=2)
    g.params["readout.W"].zero_()
    g.params["readout.b"].zero_()
    g.params["readout.b"][:, 2] = 1.0  # always class 1
    double = g._replace(params={name: value.double() for name, value in g.params.items()})
    final = torch.randn(1, 2, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    begin = starts(double, mean_noise(double, world(g, data_dir=None)), final, n_deviations=2.0)
    assert begin.n_correct.tolist() == [[0, 5]]
    torch.testing.assert_close(begin.centres, final.mean(2))  # class 0 falls back to all its trials


def test_a_class_that_is_never_read_out_says_so(group, analyse):
    g = group(n_runs=1)
    g.params["readout.W"].zero_()
    g.params["readout.b"].zero_()
    g.params["readout.b"][:, 4] = 1.0  # always class 3
    table, _ = analyse(slow_points, [g], **SMALL)
    assert (table["label"] == 3).all()
    assert ((table["start"] == "centre") == (table["class"] == 3)).all()
    assert table["speed"].notna().all()


def test_null_is_read_out_as_minus_one(group, analyse):
    g = group(n_runs=1, n_classes=3)
    g.params["readout.b"][:, 0] = 1e3
    table, _ = analyse(slow_points, [g], **SMALL)
    assert table["label"].tolist() == [-1, -1, -1]


def test_a_run_gets_the_same_points_alone_and_in_company(group, analyse):
    g = group(n_runs=3)
    alone = g._replace(params={k: v[2:] for k, v in g.params.items()}, records=g.records[2:])
    whole, _ = analyse(slow_points, [g], **SMALL)
    single, _ = analyse(slow_points, [alone], **SMALL)
    own = whole[whole["run"] == "test/arm/2"]
    assert own["kind"].tolist() == single["kind"].tolist()
    assert single["speed"].tolist() == pytest.approx(own["speed"].tolist(), rel=1e-6, abs=1e-9)


def test_many_networks_are_searched_in_slices_with_the_same_result(group, analyse, monkeypatch):
    g = group(n_runs=3)
    whole, _ = analyse(slow_points, [g], **SMALL)
    monkeypatch.setattr(slow_points, "NUMBERS", 1)
    sliced, _ = analyse(slow_points, [g], **SMALL)
    assert sliced["run"].tolist() == whole["run"].tolist()
    assert sliced["speed"].tolist() == pytest.approx(whole["speed"].tolist(), rel=1e-6, abs=1e-9)


def test_coinciding_points_share_a_representative(group, analyse):
    g = group(n_runs=1)
    for name, value in g.params.items():  # no memory: all classes relax to the same point
        if name.startswith(("0.R", "0.W")):
            value.zero_()
    table, _ = analyse(slow_points, [g], **SMALL | {"n_wait": 60})
    assert (table["representative"] == 0).all()
    assert (table["distance"] < 1e-3).all()


def test_one_class_and_no_network_work(group, analyse):
    table, _ = analyse(slow_points, [group(n_runs=1, n_classes=1)], **SMALL)
    assert len(table) == 1
    empty, arrays = analyse(slow_points, [], records=group().records)
    assert list(empty) == list(table)
    assert not arrays


def test_a_free_search_may_leave_the_class_and_keeps_what_longevity_says(group, analyse):
    g = group(n_runs=2, n_classes=3)
    given = {"n_images": 3, "n_wait": 2}
    tables = {
        "slow_points": analyse(slow_points, [g], **given)[0],
        "memory_curve": analyse(memory_curve, [g], delays=(4, 19, 30), n_images=2, n_noise=1)[0],
    }
    tables["longevity"] = analyse(longevity, [g], tables=tables)[0]
    table, arrays = analyse(free_search, [g], tables=tables, n_images=3)
    assert len(table) == 6
    assert not arrays
    assert (table["free_speed"] <= table["speed"] + 1e-9).mean() > 0.5, (
        "a wider box finds slower points"
    )
    assert (
        table["accuracy_at_30"].to_numpy() == tables["longevity"]["accuracy_at_30"].to_numpy()
    ).all()


def test_points_are_compared_with_chance_and_with_the_edges_of_their_box(group, analyse):
    table, _ = analyse(slow_points, [group("gru")], **SMALL)
    assert table["by_chance"].between(0, 1).all()
    assert 0.02 < table["by_chance"].mean() < 0.9
    is_class = (table["label"] == table["class"]).astype(float)
    np.testing.assert_allclose(table["beyond_chance"], is_class - table["by_chance"])
    lower, upper = torch.zeros(2, 4), torch.ones(2, 4)
    point = torch.tensor([[0.0, 1.0, 0.5, 0.5], [0.2, 0.2, 0.2, 0.2]])
    assert slow_points._on_faces(point, lower, upper).tolist() == [0.5, 0.0]
