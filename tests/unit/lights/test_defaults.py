from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.lights.defaults import (
    DEFAULT_CALENDAR,
    DefaultsError,
    default_calendar,
    load_defaults,
)
from gateway.lights.plan import Planner
from gateway.lights.validation import check
from gateway.settings import config_dir
from tests.unit.lights.nights import lamp, orders, shown, sky

SHIPPED = config_dir() / "lights"


def test_what_ships_has_no_problem_not_even_a_warning() -> None:
    programs, calendars = load_defaults(SHIPPED)
    assert check(programs, calendars, sky=sky(), sensors=()) == ()
    assert DEFAULT_CALENDAR in {calendar.id for calendar in calendars}


def test_every_program_that_ships_is_used() -> None:
    programs, calendars = load_defaults(SHIPPED)
    used = {rule.program for calendar in calendars for rule in calendar.rules}
    used |= {calendar.default_program for calendar in calendars}
    assert used == {program.id for program in programs}


def test_the_street_that_ships_is_half_lit_from_23_to_5() -> None:
    programs, calendars = load_defaults(SHIPPED)
    planner = Planner(orders(programs, calendars, [lamp("lamp-1", DEFAULT_CALENDAR)]))
    steps = planner.plan("lamp-1", date(2026, 11, 20)).steps
    assert [(shown(step.at)[11:16], step.level) for step in steps] == [
        ("12:00", 0),
        ("16:23", 100),
        ("23:00", 50),
        ("05:00", 100),
        ("06:20", 0),
    ]


def test_the_school_calendar_that_ships_knows_holidays() -> None:
    programs, calendars = load_defaults(SHIPPED)
    planner = Planner(orders(programs, calendars, [lamp("lamp-1", "school")]))
    nights = [date(2026, 12, 22) + timedelta(days=number) for number in range(19)]
    chosen = {night.day: planner.plan("lamp-1", night).program for night in nights}
    assert [day for day, program in chosen.items() if program == "school-way"] == [22, 23, 8]
    assert chosen[31] == "all-night"


def test_a_lamp_that_nobody_gave_a_calendar_follows_that_of_its_group() -> None:
    ids = {calendar.id for calendar in load_defaults(SHIPPED)[1]}
    assert default_calendar(["section-a", "park", "school"], ids) == "park"
    assert default_calendar(["section-a", "street-main"], ids) == DEFAULT_CALENDAR
    assert default_calendar([], ids) == DEFAULT_CALENDAR


def test_a_folder_without_defaults_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DefaultsError, match=r"programs\.json cannot be read .*: put it back"):
        load_defaults(tmp_path)


def test_a_wrong_default_names_its_file_and_place(tmp_path: Path) -> None:
    (tmp_path / "programs.json").write_text('[{"id": "p", "activePeriods": 5}]')
    (tmp_path / "calendars.json").write_text("[]")
    with pytest.raises(DefaultsError, match=r"programs\.json: Expected `array`.*activePeriods"):
        load_defaults(tmp_path)


def test_a_default_with_an_error_is_refused(tmp_path: Path) -> None:
    (tmp_path / "programs.json").write_text("[]")
    (tmp_path / "calendars.json").write_text('[{"id": "c", "defaultProgram": "p"}]')
    with pytest.raises(DefaultsError, match="calendar c, defaultProgram: there is no program 'p'"):
        load_defaults(tmp_path)
