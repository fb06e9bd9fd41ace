"""Capacity."""

from pathlib import Path

import numpy as np
import pytest

from slowpoints.engine.draws import Draws
from slowpoints.measures import information
from slowpoints.tasks import functions


@pytest.mark.parametrize(
    ("labels_per_parameter", "accuracy"),
    [(5.1, 0.9981), (5.25, 0.9947), (5.5, 0.9884), (6, 0.9754), (7.5, 0.9385), (10, 0.8900)],
)
def test_accuracies_known_to_mean_five_bits_per_parameter(labels_per_parameter, accuracy):
    bits = information.mutual_information(labels_per_parameter * 1000, accuracy)
    assert information.bits_per_parameter(bits, n_parameters=1000) == pytest.approx(5, abs=0.005)


@pytest.mark.parametrize(
    ("accuracy", "bits"), [(1.0, 100), (0.5, 0), (0.49, 0), (0.0, 0), (0.75, 18.8722)]
)
def test_all_labels_right_is_all_bits_and_chance_or_less_is_none(accuracy, bits):
    assert information.mutual_information(100, accuracy) == pytest.approx(bits, abs=1e-4)


@pytest.mark.parametrize(
    ("n_classes", "accuracy", "bits"), [(4, 1.0, 2), (4, 0.25, 0), (4, 0.1, 0), (3, 0.5, 0.0850)]
)
def test_a_label_of_many_classes_is_worth_up_to_log2_of_their_number(n_classes, accuracy, bits):
    assert information.mutual_information(1, accuracy, n_classes=n_classes) == pytest.approx(
        bits, abs=1e-4
    )


@pytest.mark.parametrize("n_classes", [2, 5])
def test_the_information_of_many_classes_is_that_of_their_confusion_matrix(n_classes):
    p = 0.8
    joint = np.full((n_classes, n_classes), (1 - p) / (n_classes - 1) / n_classes)
    np.fill_diagonal(joint, p / n_classes)
    wanted = np.sum(joint * np.log2(joint * n_classes**2))  # both margins are uniform
    assert information.mutual_information(1, p, n_classes=n_classes) == pytest.approx(wanted)


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, 97])
def test_an_accuracy_that_is_no_share_is_refused(accuracy):
    with pytest.raises(ValueError, match=r"accuracy must lie in 0..1"):
        information.mutual_information(100, [0.5, accuracy])


def test_many_networks_are_measured_at_once():
    bits = information.mutual_information([10, 20], [1.0, 1.0])
    assert bits.tolist() == [10, 20]
    assert information.bits_per_parameter(bits, n_parameters=[5, 5]).tolist() == [2, 4]


def test_a_diverged_network_has_no_number():
    assert np.isnan(information.mutual_information(100, np.nan))


def test_soft_bits_count_the_cross_entropy_saved_and_never_less_than_nothing():
    assert information.soft_bits([100, 100, 100], [1.0, 0.25, -3.0]).tolist() == [100, 25, 0]


def test_soft_bits_never_exceed_hard_bits_for_a_calibrated_network():
    p = np.linspace(0.5, 1, 11)[:-1]
    saved = 1 + p * np.log2(p) + (1 - p) * np.log2(1 - p)
    np.testing.assert_allclose(
        information.soft_bits(100, saved), information.mutual_information(100, p), atol=1e-12
    )


def test_the_throughput_line_falls_to_zero_where_units_equal_numbers():
    assert information.throughput_line([0, 16, 32, 64, 80], n_in=64).tolist() == [
        1,
        0.75,
        0.5,
        0,
        0,
    ]


def test_on_the_throughput_line_every_unit_keeps_one_number():
    units = np.array([1, 16, 64, 128])
    mse = information.throughput_line(units, n_in=64)
    assert information.numbers_per_unit(mse, n_units=units, n_in=64).tolist() == [1, 1, 1, 0.5]


PAPER = {"n_samples": 1_000_000, "tau": 5000}


def test_the_weights_of_samples_are_those_of_the_task():
    task = functions.Settings(n_samples=50, tau=3)
    world = functions.world(task, n_parameters=1, rng=Draws([0]), data_dir=Path())
    np.testing.assert_allclose(information.sample_weights(50, tau=3), world.beta, rtol=1e-12)


@pytest.mark.parametrize(
    ("thousands", "mse"),
    [(5, 0.869), (20, 0.697), (50, 0.548), (100, 0.426), (200, 0.300), (500, 0.130)],
)
def test_knowing_the_heaviest_samples_leaves_the_known_error(thousands, mse):
    assert information.recall_line(1000 * thousands, **PAPER) == pytest.approx(mse, abs=5e-4)


def test_knowing_none_or_all_leaves_all_or_nothing():
    assert information.recall_line([0, 10], n_samples=10, tau=2) == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("bits", "thousands", "mse"),
    [
        *(
            (5, p, mse)
            for p, mse in ((1, 0.891), (5, 0.731), (10, 0.636), (20, 0.528), (50, 0.373))
        ),
        *((5, p, mse) for p, mse in ((100, 0.249), (200, 0.124), (500, 0.016))),
        *((2, p, mse) for p, mse in ((10, 0.759), (100, 0.412), (1000, 0.031))),
        *((3.6, p, mse) for p, mse in ((10, 0.683), (100, 0.308))),
    ],
)
def test_stored_bits_allow_the_known_error(bits, thousands, mse):
    assert information.rate_distortion(1000 * bits * thousands, **PAPER) == pytest.approx(
        mse, abs=5e-4
    )


@pytest.mark.parametrize(("n_samples", "tau"), [(1, 0), (6, 0), (20_000, 100)])
def test_the_bits_an_error_needs_are_the_bits_that_allow_it(n_samples, tau):
    bits = np.array([0.0, 0.01, 0.5, 3.0, 20.0, 200.0])
    allowed = information.rate_distortion(bits, n_samples=n_samples, tau=tau)
    found = information.bits_needed(allowed, n_samples=n_samples, tau=tau)
    np.testing.assert_allclose(found, bits, rtol=1e-6, atol=1e-5)


def test_an_error_above_the_variance_needs_no_bits_and_a_diverged_network_has_none():
    found = information.bits_needed([1.0, 1.3, np.nan], n_samples=10, tau=2)
    assert found[:2] == pytest.approx([0, 0], abs=1e-12)
    assert np.isnan(found[2])


def test_equal_weights_are_stored_equally():
    many = information.rate_distortion([0, 40, 80], n_samples=20, tau=10**12)
    assert many == pytest.approx([1, 2**-4, 2**-8], rel=1e-6)


def test_no_other_way_to_spend_the_bits_leaves_less_error():
    beta = information.sample_weights(6, tau=0)
    draw = np.random.default_rng(0)
    for bits in (0.5, 3.0, 12.0):
        least = information.rate_distortion(bits, n_samples=6, tau=0)
        spent = bits * draw.dirichlet(np.ones(6), size=50_000)
        errors = (beta * 2.0 ** (-2 * spent)).sum(1)
        assert least <= errors.min()
        assert least == pytest.approx(errors.min(), rel=0.1), "some split comes near"


@pytest.mark.parametrize(
    ("accuracy", "bits"), [([1.0, 1.0, 0.5], 2), ([0.75], 0.188722), ([0.3, 0.5], 0), ([1.0], 1)]
)
def test_bits_held_are_what_the_errors_leave_of_each(accuracy, bits):
    assert information.bits_held(accuracy) == pytest.approx(bits, abs=1e-5)
