import numpy as np
import pytest

from gateway.site import Receiver
from gateway.tags.propagation import Radio, directions, expected_dbm, log_missed

AT_TAG_HEIGHT = Receiver("r", (0.0, 0.0), 1.0, "", None)
RADIO = Radio(power_dbm=-60.0, exponent=2.0)


def test_ten_times_the_distance_costs_ten_times_the_exponent() -> None:
    near, far = expected_dbm([AT_TAG_HEIGHT], [RADIO], np.array([[2.0, 0.0], [0.0, 20.0]]))[:, 0]
    assert near - far == pytest.approx(20.0)
    assert near == pytest.approx(-60 - 20 * np.log10(2))


def test_height_counts_as_distance() -> None:
    pole = Receiver("r", (0.0, 0.0), 5.0, "", None)
    below = expected_dbm([pole], [RADIO], np.array([[3.0, 0.0]]))
    assert below[0, 0] == pytest.approx(-60 - 20 * np.log10(5))  # 3, 4, 5


def test_no_place_is_nearer_than_a_metre() -> None:
    assert expected_dbm([AT_TAG_HEIGHT], [RADIO], np.zeros((1, 2)))[0, 0] == pytest.approx(-60.0)


def test_a_miss_far_below_the_threshold_says_nothing() -> None:
    assert log_missed(np.array([[-40.0]]), np.array([0.8]))[0] == pytest.approx(0.0, abs=1e-3)


def test_a_miss_far_above_the_threshold_says_what_detection_says() -> None:
    assert log_missed(np.array([[40.0]]), np.array([0.8]))[0] == pytest.approx(
        np.log(0.2), rel=1e-3
    )


def test_at_the_threshold_half_of_the_packets_that_could_be_are_detected() -> None:
    assert log_missed(np.array([[0.0]]), np.array([0.8]))[0] == pytest.approx(np.log(1 - 0.4))


def test_misses_of_several_receivers_multiply() -> None:
    margins = np.array([[3.0, -2.0], [10.0, 10.0]])
    alone = [log_missed(margins[:, [k]], np.array([0.7])) for k in (0, 1)]
    assert log_missed(margins, np.array([0.7, 0.7])) == pytest.approx(alone[0] + alone[1])


def test_a_direction_shortens_where_the_antenna_looks_down() -> None:
    antennas = np.array([[10.0, 0.0, 1.0], [0.0, 3.0, 5.0]])
    assert directions(np.zeros(2), antennas) == pytest.approx(np.array([[1.0, 0.0], [0.0, 0.6]]))
