"""Capacity."""

import numpy as np
import pytest

from slowpoints import capacity


@pytest.mark.parametrize(
    ("labels_per_parameter", "accuracy"),
    [(5.1, 0.9981), (5.25, 0.9947), (5.5, 0.9884), (6, 0.9754), (7.5, 0.9385), (10, 0.8900)],
)
def test_accuracies_known_to_mean_five_bits_per_parameter(labels_per_parameter, accuracy):
    bits = capacity.mutual_information(labels_per_parameter * 1000, accuracy)
    assert capacity.bits_per_parameter(bits, n_parameters=1000) == pytest.approx(5, abs=0.005)


@pytest.mark.parametrize(("accuracy", "bits"), [(1.0, 100), (0.5, 0), (0.49, 0), (0.0, 0), (0.75, 18.8722)])
def test_all_labels_right_is_all_bits_and_chance_or_less_is_none(accuracy, bits):
    assert capacity.mutual_information(100, accuracy) == pytest.approx(bits, abs=1e-4)


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, 97])
def test_an_accuracy_that_is_no_share_is_refused(accuracy):
    with pytest.raises(ValueError, match=r"accuracy must lie in 0..1"):
        capacity.mutual_information(100, [0.5, accuracy])


def test_many_networks_are_measured_at_once():
    bits = capacity.mutual_information([10, 20], [1.0, 1.0])
    assert bits.tolist() == [10, 20]
    assert capacity.bits_per_parameter(bits, n_parameters=[5, 5]).tolist() == [2, 4]


def test_a_diverged_network_has_no_number():
    assert np.isnan(capacity.mutual_information(100, np.nan))


def test_soft_bits_count_the_cross_entropy_saved_and_never_less_than_nothing():
    assert capacity.soft_bits([100, 100, 100], [1.0, 0.25, -3.0]).tolist() == [100, 25, 0]


def test_soft_bits_never_exceed_hard_bits_for_a_calibrated_network():
    p = np.linspace(0.5, 1, 11)[:-1]
    saved = 1 + p * np.log2(p) + (1 - p) * np.log2(1 - p)
    np.testing.assert_allclose(capacity.soft_bits(100, saved), capacity.mutual_information(100, p), atol=1e-12)


def test_the_throughput_line_falls_to_zero_where_units_equal_numbers():
    assert capacity.throughput_line([0, 16, 32, 64, 80], n_in=64).tolist() == [1, 0.75, 0.5, 0, 0]


def test_on_the_throughput_line_every_unit_keeps_one_number():
    units = np.array([1, 16, 64, 128])
    mse = capacity.throughput_line(units, n_in=64)
    assert capacity.numbers_per_unit(mse, n_units=units, n_in=64).tolist() == [1, 1, 1, 0.5]


@pytest.mark.parametrize(("accuracy", "bits"), [([1.0, 1.0, 0.5], 2), ([0.75], 0.188722), ([0.3, 0.5], 0), ([1.0], 1)])
def test_bits_held_are_what_the_errors_leave_of_each(accuracy, bits):
    assert capacity.bits_held(accuracy) == pytest.approx(bits, abs=1e-5)
