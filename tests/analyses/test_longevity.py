import numpy as np
import pytest

from slowpoints.analyses import longevity, memory_curve, slow_points
from slowpoints.analyses.longevity import half_life


def test_the_half_life_is_where_accuracy_crosses_half_its_nominal_value():
    delay = np.array([4.0, 10.0, 100.0, 1000.0])
    assert half_life(delay, np.array([1.0, 1.0, 0.5, 0.1]), nominal=1.0)[0] == pytest.approx(100)
    found, outlived = half_life(delay, np.array([0.8, 0.8, 0.6, 0.2]), nominal=0.8)
    assert found == pytest.approx(10**2.5)  # half-way between 100 and 1000, in log delay
    assert not outlived


def test_a_memory_that_outlives_the_grid_is_marked():
    assert half_life(np.array([4.0, 50.0]), np.array([1.0, 0.9]), nominal=1.0) == (50.0, True)


def test_a_class_that_is_never_known_has_the_shortest_half_life():
    assert half_life(np.array([4.0, 50.0]), np.array([0.0, 0.0]), nominal=0.0) == (4.0, False)


def test_speed_and_accuracy_of_the_same_class_stand_in_one_row(group, analyse):
    g = group(n_runs=2, n_classes=3)
    tables = {
        "slow_points": analyse(slow_points, [g], n_images=3, n_wait=2)[0],
        "memory_curve": analyse(memory_curve, [g], delays=(4, 19, 20, 30), n_images=2, n_noise=1)[
            0
        ],
    }
    table, _ = analyse(longevity, [g], tables=tables)
    assert len(table) == 6
    for _, row in table.iterrows():
        own = (
            tables["memory_curve"]
            .query("run == @row.run and `class` == @row['class']")
            .set_index("delay")
        )
        assert row["accuracy_at_30"] == own["accuracy"][30]
        assert row["nominal"] == pytest.approx(own["accuracy"][[4, 19]].mean())
        point = tables["slow_points"].query("run == @row.run and `class` == @row['class']").iloc[0]
        names = ["speed", "noisy_speed", "scatter", "spectral_radius", "participation", "distance"]
        assert row[names].tolist() == point[names].tolist()
        assert row["log10_speed"] == pytest.approx(np.log10(point["speed"]))
    assert {"cell", "arm", "seed", "curriculum", "half_life", "outlived"} <= set(table)
