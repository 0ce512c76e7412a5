"""Which lamp stands on which pole of the plan: its line, its node's make, its kind, its groups."""

from collections import Counter
from typing import Any

from firmware_sim.lamps.firmwares import Firmware
from firmware_sim.plan import CENTRE, PLACES, Point, Ring, Street

TRUNK_ROAD_U = 556.0  # east of it the main street is the town's old trunk road
SOUTHERN_LINES_PART_U, NORTHERN_LINES_PART_U = 285.0, 278.0
NEAR_M = 8.0
MIRI_STREETS = ("s1w", "w4")


class LampPlan:
    """Gives the lamps of a town what a site says of them, pole after pole.

    A line of wire serves about a quarter of the town, at most 40 lamps; its units are counted from
    1. All lines end in one gateway, or each in its own (`gateways` 4).
    """

    def __init__(self, *, gateways: int) -> None:
        self._gateways = gateways
        self._units: Counter[int] = Counter()

    def lamp(self, street: Street, place: Point) -> dict[str, Any]:
        """What the site says of the lamp at `place` of the plan."""
        line = _line(place)
        self._units[line] += 1
        return {
            "gateway": "gw-01" if self._gateways == 1 else f"gw-{line:02d}",
            "bus": f"bus-{line}",
            "unit": self._units[line],
            "profile": _firmware(street, place).value,
            "lamp_type": _lamp_type(street, place),
            "groups": _groups(street, place),
        }


def _line(place: Point) -> int:
    u, v = place
    if v >= 0:
        return 1 if u < NORTHERN_LINES_PART_U else 2
    return 3 if u < SOUTHERN_LINES_PART_U else 4


def _firmware(street: Street, place: Point) -> Firmware:
    if _near(place, CENTRE, 0.0):
        return Firmware.ARC254
    return Firmware.MIRI if street.name in MIRI_STREETS else Firmware.GENERIC


def _lamp_type(street: Street, place: Point) -> str:
    if street.name != "main":
        return "led-40"
    return "sodium-110" if place[0] > TRUNK_ROAD_U else "led-60"


def _groups(street: Street, place: Point) -> list[str]:
    section = "ab"[_line(place) - 1] if place[1] >= 0 else "cd"[_line(place) - 3]
    near = [name for name, _, _, _, ring in PLACES if _near(place, ring, NEAR_M)]
    return [f"section-{section}", f"street-{street.name}", *near]


def _near(place: Point, ring: Ring, within_m: float) -> bool:
    """Whether `place` is in the rectangle `ring`, or so near to it."""
    (west, south), (east, north) = ring[0], ring[2]
    u, v = place
    return west - within_m <= u <= east + within_m and south - within_m <= v <= north + within_m
