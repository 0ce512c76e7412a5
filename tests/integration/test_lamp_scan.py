"""`machimori lamp scan` on a line of simulated nodes of three makes."""

from pathlib import Path

import pytest
import serial
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.wire import SerialSlaves

from gateway.cli import run_command_line
from tests.unit.cli.lamp_town import LampTown, lamp_town

MAKES = {1: "generic", 2: "arc254", 3: "miri", 9: "generic"}


def town_on(link: Path, folder: Path) -> LampTown:
    """Lamps 1 to 4 stand on the site, all of them said to be generic."""
    line = f'device = "{link}"\ntimeout_s = 0.05\nquiet_s = 0.02\n'
    return lamp_town(folder, settings=f"[edge.buses.bus-1]\n{line}")


def scan(town: LampTown) -> int:
    words = ["lamp", "scan", "bus-1", "--units", "1-4,9-10"]
    return run_command_line([*words, "--config", str(town.config)])


def test_a_scan_finds_each_make_and_what_the_site_has_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [
        LampNode(unit=unit, firmware=make, lamp=LUMINAIRES["led-40"], seed=2)
        for unit, make in MAKES.items()
    ]
    with SerialSlaves(nodes, link=tmp_path / "line", paced=False) as slaves:
        serials = {unit: slaves.node(unit).serial for unit in MAKES}
        town = town_on(slaves.link, tmp_path)
        assert scan(town) == 0
    first, *units = capsys.readouterr().out.splitlines()
    assert first == f"Asking 6 units of bus-1 ({tmp_path}/line) …"
    wrong = "the site says generic, mend it there"
    assert units == [
        f"unit 1: generic, serial {serials[1]} (l-1 on pole p-1)",
        f"unit 2: arc254, serial {serials[2]} (l-2 on pole p-2): {wrong}",
        f"unit 3: miri, serial {serials[3]} (l-3 on pole p-3): {wrong}",
        "unit 4: silence (l-4 on pole p-4)",
        f"unit 9: generic, serial {serials[9]} (not on the site)",
    ]


def test_a_line_on_which_nothing_answers_is_told_with_what_to_see_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SerialSlaves([], link=tmp_path / "line", paced=False) as slaves:
        assert scan(town_on(slaves.link, tmp_path)) == 2
    assert "Nothing answers on bus-1. See to the adapter" in capsys.readouterr().err


def test_a_line_that_the_service_holds_is_not_taken_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SerialSlaves([], link=tmp_path / "line", paced=False) as slaves:
        held = serial.Serial(str(slaves.link), exclusive=True)
        assert scan(town_on(slaves.link, tmp_path)) == 2
        held.close()
    assert str(slaves.link) in capsys.readouterr().err
