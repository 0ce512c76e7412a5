import pytest
from firmware_sim.bluez.habits import habits_of


@pytest.mark.parametrize(
    ("version", "regular", "behind", "proximity"),
    [
        ((5, 56), False, False, False),
        ((5, 66), False, False, False),
        ((5, 67), True, False, False),
        ((5, 70), True, False, False),
        ((5, 71), True, True, False),
        ((5, 82), True, True, False),
        ((5, 88), True, True, True),
        ((6, 0), True, True, True),
    ],
)
def test_a_version_has_the_habits_that_came_until_then(version, regular, behind, proximity):
    habits = habits_of(version)
    assert habits.plain_le_is_regular == regular
    assert habits.service_data_behind_uuid == behind
    assert habits.rssi_only_by_proximity == proximity


def test_a_version_without_monitors_is_refused():
    with pytest.raises(ValueError, match=r"5\.56"):
        habits_of((5, 55))
