"""`machimori lamp scan`, but for the line itself (tests/integration/test_lamp_scan.py)."""

from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.cli.lamp_hub import LampError
from gateway.cli.lamp_scan import line_about, parse_units
from gateway.lights.bus_words import Failure, Found
from gateway.site import Lamp
from tests.unit.cli.lamp_town import lamp_town

LAMP = Lamp("l-3", (0.0, 0.0), "p-3", "gw-01", "bus-1", 3, "generic", "led-40", ())


@pytest.mark.parametrize(
    ("found", "lamp", "told"),
    [
        (Found(3, "generic", 77, None), LAMP, "unit 3: generic, serial 77 (l-3 on pole p-3)"),
        (Found(3, "generic", None, None), None, "unit 3: generic (not on the site)"),
        (
            Found(3, "miri", 77, None),
            LAMP,
            "unit 3: miri, serial 77 (l-3 on pole p-3): the site says generic, mend it there",
        ),
        (
            Found(3, "", None, None),
            None,
            "unit 3: answers, and no register map knows it (not on the site)",
        ),
        (Found(3, "", None, Failure.SILENCE), LAMP, "unit 3: silence (l-3 on pole p-3)"),
        (Found(3, "", None, Failure.SILENCE), None, ""),
        (Found(3, "", None, Failure.WRONG_UNIT), None, "unit 3: wrong unit (not on the site)"),
    ],
)
def test_each_unit_is_told_beside_what_the_site_says(
    found: Found, lamp: Lamp | None, told: str
) -> None:
    assert line_about(found, lamp) == told


def test_units_are_a_list_of_ranges() -> None:
    assert parse_units("1-3, 7,12-12") == (1, 2, 3, 7, 12)


@pytest.mark.parametrize("text", ["", "x", "0", "1-248", "5-3", "-3", "1-99999999999", "1--3", "²"])
def test_units_that_modbus_does_not_have_are_refused(text: str) -> None:
    with pytest.raises(LampError, match="--units"):
        parse_units(text)


def test_a_bus_that_is_not_in_the_settings_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = lamp_town(tmp_path)
    assert run_command_line(["lamp", "scan", "bus-9", "--config", str(town.config)]) == 2
    assert "There is no bus bus-9 in [edge.buses]" in capsys.readouterr().err


def test_a_line_that_cannot_be_opened_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = lamp_town(tmp_path, settings=f'[edge.buses.bus-1]\ndevice = "{tmp_path}/nothing"\n')
    assert run_command_line(["lamp", "scan", "bus-1", "--config", str(town.config)]) == 2
    assert f"{tmp_path}/nothing" in capsys.readouterr().err
