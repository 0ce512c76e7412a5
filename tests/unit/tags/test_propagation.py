import numpy as np
import pytest

from gateway.site import Receiver
from gateway.tags.propagation import Radio, expected_dbm

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
