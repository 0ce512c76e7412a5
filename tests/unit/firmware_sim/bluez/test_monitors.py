import pytest
from firmware_sim.bluez.habits import habits_of
from firmware_sim.bluez.monitors import Monitors, Pattern
from firmware_sim.bluez.said import said

OLD, NEW = habits_of((5, 66)), habits_of((5, 82))
EDDYSTONE = said(b"\x02\x01\x06\x03\x03\xaa\xfe\x05\x16\xaa\xfe\x00\xee")
MINE = (":1.1", "/mine")


@pytest.mark.parametrize(
    ("pattern", "old", "new"),
    [
        (Pattern(0, 0x01, b"\x06"), True, True),
        (Pattern(0, 0x16, b"\xaa\xfe"), True, False),
        (Pattern(0, 0x16, b"\x00\xee"), False, True),
        (Pattern(2, 0x16, b"\x00"), True, False),
        (Pattern(0, 0x03, b"\xaa\xfe"), True, False),
        (Pattern(0, 0xFF, b""), False, False),
    ],
)
def test_a_pattern_of_service_data_begins_elsewhere_in_newer_versions(pattern, old, new):
    assert pattern.matches(EDDYSTONE, OLD) == old
    assert pattern.matches(EDDYSTONE, NEW) == new


def test_a_monitor_is_active_when_its_patterns_are_known_and_until_it_is_taken_back():
    monitors = Monitors(OLD)
    assert monitors.register(*MINE)
    assert not monitors.active
    monitors.activate(MINE, [Pattern(0, 0x01, b"\x06")])
    assert monitors.active
    assert monitors.matches(EDDYSTONE)
    assert monitors.unregister(*MINE)
    assert not monitors.active
    assert not monitors.matches(EDDYSTONE)


def test_none_is_registered_twice_or_taken_back_unknown():
    monitors = Monitors(OLD)
    assert monitors.register(*MINE)
    assert not monitors.register(*MINE)
    assert not monitors.unregister(":1.2", "/mine")


@pytest.mark.parametrize(
    ("client", "path", "found"),
    [
        (":1.1", "/mine", MINE),
        (":1.1", "/mine/monitor0", MINE),
        (":1.1", "/mined", None),
        (":1.2", "/mine", None),
    ],
)
def test_an_object_belongs_to_what_its_client_registered_above_it(client, path, found):
    monitors = Monitors(OLD)
    monitors.register(*MINE)
    assert monitors.awaited(client, path) == found


def test_the_monitors_of_a_client_that_left_are_forgotten_and_no_others():
    monitors = Monitors(OLD)
    for client in (":1.1", ":1.2"):
        monitors.register(client, "/mine")
        monitors.activate((client, "/mine"), [Pattern(0, 0x01, b"\x06")])
    monitors.forget(":1.1")
    assert monitors.active
    assert monitors.clear() == ((":1.2", "/mine"),)
    assert not monitors.active


def test_a_monitor_taken_back_before_its_patterns_came_stays_away():
    monitors = Monitors(OLD)
    monitors.register(*MINE)
    monitors.unregister(*MINE)
    monitors.activate(MINE, [Pattern(0, 0x01, b"\x06")])
    assert not monitors.active
