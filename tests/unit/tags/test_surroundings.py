from gateway.tags.surroundings import ROOM, STREET, surroundings_of
from tests.unit.tags.places import site


def test_receivers_on_poles_make_a_street() -> None:
    assert surroundings_of(site(receivers={"r": (0, 0)}, height_m=4.5).receivers) is STREET


def test_receivers_below_a_ceiling_make_a_room() -> None:
    assert surroundings_of(site(receivers={"r": (0, 0)}, height_m=2.3).receivers) is ROOM
