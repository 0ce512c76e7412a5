"""`machimori lamp list|show|explain`, beside a hub that may be running."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import run_command_line
from gateway.lamps import LampEventKind
from tests.unit.api.lamp_pieces import NOW, lamp, reading, tell
from tests.unit.cli.lamp_town import LampTown, lamp_town

Out = Callable[[], list[str]]


@pytest.fixture
def town(tmp_path: Path) -> LampTown:
    """Four lamps that a gateway drives and one that nothing does; l-2 has a fault."""
    return lamp_town(tmp_path)


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Out:
    """What was said since the last time, by lines without their ends' spaces."""
    return lambda: [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def run(town: LampTown, *arguments: str) -> int:
    return run_command_line(["lamp", *arguments, "--config", str(town.config)])


def test_lamps_are_listed_with_level_power_and_why(town: LampTown, out: Out) -> None:
    assert run(town, "list") == 0
    _, *rows, summary = out()
    assert [row.split()[0] for row in rows] == ["l-1", "l-2", "l-3", "l-4", "l-5"]
    assert rows[0].split() == [
        *("l-1", "gw-01", "bus-1", "1", "on", "50", "%", "50", "%", "20.5", "program"),
        *("evening:", "22:00", "→", "50", "%"),
    ]
    assert rows[1].split()[-1] == "lampFailure"
    assert rows[4].split()[:3] == ["l-5", "nothing", "unknown"]
    assert summary == "5 lamps: 1 on, 4 unknown, 1 with faults."


def test_a_reason_is_shown_as_it_was_said(town: LampTown, out: Out) -> None:
    town.write(tell, reading(at=NOW - 10.0, reason="[red]by hand[/]"))
    assert run(town, "list", "--group", "north") == 0
    assert "[red]by hand[/]" in out()[1]


def test_the_list_is_cut_to_a_group_and_to_faults(town: LampTown, out: Out) -> None:
    assert run(town, "list", "--group", "south") == 0
    assert [row.split()[0] for row in out()[1:-1]] == ["l-3", "l-4", "l-5"]
    assert run(town, "list", "--faulty") == 0
    assert [row.split()[0] for row in out()[1:-1]] == ["l-2"]


def test_a_group_that_is_not_there_is_told_with_those_that_are(
    town: LampTown, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(town, "list", "--group", "west") == 2
    assert capsys.readouterr().err == "There is no group west. Groups: north, south.\n"


def test_a_lamp_is_shown_with_all_that_is_known(town: LampTown, out: Out) -> None:
    said = reading(
        "l-2", supply_voltage_v=198.5, motion=True, masked={"temperature_c": "cannot be read now"}
    )
    town.write(tell, said, number=2)
    assert run(town, "show", "l-2") == 0
    text = "\n".join(out())
    assert "l-2 on pole p-2: gw-01 bus-1 2; led-40; calendar street; groups north" in text
    assert "off: target 50 %, feedback 50 %, actual 50 % at 01-15 16:59:40 by program" in text
    assert "  supply_voltage_v: 198.5" in text
    assert "  motion: yes" in text
    assert "  temperature_c: not readable (cannot be read now)" in text
    assert "  meter: class 1" in text
    assert f"  fault 1 {LampEventKind.LAMP_FAILURE} since 01-15 15:00:00, goes on" in text
    assert "(active_power_w 0); work open" in text
    assert "  override o-1 by staff: 80 % 01-15 16:59:59 … 01-15 17:10:00, waiting" in text
    assert "last 30 days: available 99.72%, faults 1, mean time to repair –" in text


def test_a_lamp_that_is_not_there_is_said(
    town: LampTown, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("show", "explain"):
        assert run(town, command, "l-9") == 2
        assert "There is no lamp l-9." in capsys.readouterr().err


def test_a_night_is_explained_step_by_step(town: LampTown, out: Out) -> None:
    assert run(town, "explain", "l-1") == 0
    first, second, _, *steps, now = out()
    assert first.startswith("l-1, night of 2027-01-15: sunset 16:")
    assert second.startswith("calendar street, ")
    assert second.endswith("program evening")
    times = [step.split()[:6] for step in steps]
    assert times[0][:4] == ["01-15", "12:00", "01-15", steps[1].split()[1]]
    assert [step[4:6] for step in times] == [["0", "%"], ["100", "%"], ["50", "%"], ["0", "%"]]
    assert f"sunset {times[1][1]}" in steps[1]
    assert times[2][:2] == ["01-15", "22:00"]
    assert all("program" in step for step in steps)
    assert now == "at 01-15 16:59:40: 50 % by program: evening: 22:00 → 50 %"


def test_another_night_can_be_asked_for(town: LampTown, out: Out) -> None:
    assert run(town, "explain", "l-1", "--night", "2026-06-21") == 0
    assert out()[0].startswith("l-1, night of 2026-06-21: sunset 1")


def test_what_nothing_drives_has_no_plan(
    town: LampTown, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(town, "explain", "l-5") == 2
    assert "No gateway drives lamp l-5" in capsys.readouterr().err


def test_a_kind_of_lamp_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    features: list[Any] = [lamp(1)]
    town = lamp_town(tmp_path, features=features, types="[led-40]\npower_curve = 3\n")
    assert run(town, "list") == 2
