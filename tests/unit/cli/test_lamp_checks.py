"""Lamps that could be read from the site and would still stay dark, or unknown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.cli.lamp_checks import bus_findings, lamp_findings
from gateway.settings import BusSettings, EdgeSettings
from gateway.site import Site, load_site
from tests.unit.api.lamp_pieces import lamp
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

HERE = Path("site.geojson")
PROFILES = {"generic": None, "miri": None}
TYPES = {"led-40": None}


def _site(folder: Path, lamps: Sequence[Any]) -> Site:
    return load_site(write_site(folder, [*TOWN, *lamps]))


def _lines(folder: Path, *lamps: Any) -> list[str]:
    found = lamp_findings(_site(folder, lamps), profiles=PROFILES, types=TYPES)
    return [finding.line(HERE) for finding in found]


def _bus_lines(folder: Path, buses: dict[str, str], *lamps: Any) -> list[str]:
    edge = EdgeSettings(buses={bus: BusSettings(device=device) for bus, device in buses.items()})
    return [finding.line(HERE) for finding in bus_findings(_site(folder, lamps), edge)]


def test_lamps_that_are_whole_get_no_finding(tmp_path: Path) -> None:
    assert _lines(tmp_path, lamp(1), lamp(2), lamp(3, gateway="gw-02", unit=1)) == []


def test_a_profile_and_a_type_that_nobody_wrote_are_named_with_those_that_are(
    tmp_path: Path,
) -> None:
    profile, kind = _lines(tmp_path, lamp(1, profile="acme", lamp_type="led-999"))
    assert "lamp l-1: error: profile acme is no register map" in profile
    assert profile.endswith("name one that is: generic, miri")
    assert "lamp l-1: error: lamp_type led-999 is not in types.toml" in kind


def test_two_lamps_of_one_line_must_not_have_one_unit(tmp_path: Path) -> None:
    found = _lines(tmp_path, lamp(1, unit=7), lamp(2, unit=7), lamp(3, unit=7, bus="bus-2"))
    assert [line.split(": ")[1] for line in found] == ["lamp l-1", "lamp l-2"]
    assert "shares unit 7 of bus-1 of gw-01" in found[0]


def test_a_lamp_that_nothing_drives_is_not_judged(tmp_path: Path) -> None:
    asleep = {"gateway": "", "bus": "", "unit": 0, "profile": "acme"}
    assert _lines(tmp_path, lamp(1, **asleep), lamp(2, **asleep)) == []


def test_a_bus_is_both_in_the_settings_and_on_the_site(tmp_path: Path) -> None:
    lamps = (lamp(1), lamp(2, bus="bus-2"), lamp(3, gateway="gw-02", bus="bus-9"))
    assert _bus_lines(tmp_path, {"bus-1": "/dev/a", "bus-2": "/dev/b"}, *lamps) == []
    missing, idle = _bus_lines(tmp_path, {"bus-1": "/dev/a", "bus-3": "/dev/b"}, *lamps)
    assert "edge.buses.bus-2: warning: is missing" in missing
    assert "edge.buses.bus-3: warning: no lamp of the site hangs on it for gw-01" in idle


def test_an_edge_without_any_bus_drives_no_lamps_and_needs_none(tmp_path: Path) -> None:
    assert _bus_lines(tmp_path, {}, lamp(1)) == []


def test_two_buses_cannot_share_an_adapter(tmp_path: Path) -> None:
    buses = {"bus-1": "/dev/a", "bus-2": "/dev/a"}
    found = _bus_lines(tmp_path, buses, lamp(1), lamp(2, bus="bus-2"))
    assert len(found) == 2
    assert all("error: shares /dev/a with another bus" in line for line in found)
