from datetime import date, timedelta

import pytest

from gateway.lights.calendar import Conditions, Fault, Rules, read_calendar, read_conditions
from gateway.lights.documents import Calendar, CalendarRule

FRIDAY = date(2026, 11, 20)


def chosen(calendar: Calendar, night: date) -> str:
    rules = read_calendar(calendar)
    assert isinstance(rules, Rules)
    return rules.choose(night).program


def nights_of(rule: CalendarRule, first: date, days: int) -> list[str]:
    read = read_conditions(rule)
    assert isinstance(read, Conditions)
    nights = [first + timedelta(days=number) for number in range(days)]
    return [f"{night:%m-%d}" for night in nights if read.hold(night)]


def test_the_first_rule_that_holds_decides() -> None:
    calendar = Calendar(
        id="c",
        default_program="d",
        rules=(
            CalendarRule(program="one", weekdays=("fri",)),
            CalendarRule(program="two", weekdays=("fri", "sat")),
        ),
    )
    assert [chosen(calendar, FRIDAY + timedelta(days=number)) for number in range(3)] == [
        "one",
        "two",
        "d",
    ]


def test_both_ends_of_dates_are_included() -> None:
    rule = CalendarRule(program="p", since="2026-11-20", until="2026-11-21")
    assert nights_of(rule, date(2026, 11, 18), 7) == ["11-20", "11-21"]
    assert nights_of(rule, date(2027, 11, 18), 7) == []


def test_a_rule_without_an_end_goes_on() -> None:
    assert nights_of(CalendarRule(program="p", since="2026-11-20"), date(2026, 11, 19), 3) == [
        "11-20",
        "11-21",
    ]
    assert nights_of(CalendarRule(program="p", until="2026-11-20"), date(2026, 11, 19), 3) == [
        "11-19",
        "11-20",
    ]


def test_dates_without_a_year_are_of_every_year_and_may_go_through_its_end() -> None:
    rule = CalendarRule(program="p", since="12-30", until="01-02")
    for year in (2026, 2031):
        assert nights_of(rule, date(year, 12, 28), 8) == ["12-30", "12-31", "01-01", "01-02"]


def test_the_leap_day_is_a_day() -> None:
    rule = CalendarRule(program="p", since="02-29", until="02-29")
    assert nights_of(rule, date(2028, 2, 27), 4) == ["02-29"]
    assert nights_of(rule, date(2026, 2, 27), 4) == []


def test_every_condition_must_hold() -> None:
    rule = CalendarRule(program="p", since="11-01", until="11-30", weekdays=("sun", "mon"))
    assert nights_of(rule, date(2026, 11, 28), 5) == ["11-29", "11-30"]


def test_a_rule_without_conditions_holds_every_night() -> None:
    assert len(nights_of(CalendarRule(program="p"), FRIDAY, 30)) == 30


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (CalendarRule(program="p", weekdays=("Fri",)), "'Fri' is no weekday"),
        (CalendarRule(program="p", since="2026-02-29"), "since: '2026-02-29' is no date"),
        (CalendarRule(program="p", until="13-01"), "until: '13-01' is no date"),
        (CalendarRule(program="p", since="20261120"), "is no date"),
        (CalendarRule(program="p", since="1-1"), "is no date"),
        (CalendarRule(program="p", since="2026-11-20", until="12-01"), "every year"),
        (CalendarRule(program="p", since="2026-11-20", until="2026-11-19"), "is before since"),
    ],
)
def test_a_rule_that_cannot_be_read_says_what_and_what_to_do(
    rule: CalendarRule, words: str
) -> None:
    fault = read_conditions(rule)
    assert isinstance(fault, Fault)
    assert words in fault.what
    assert fault.remedy
    assert read_calendar(Calendar(id="c", default_program="d", rules=(rule,))) == fault


def test_the_rule_that_chose_is_told_in_words() -> None:
    rules = (
        CalendarRule(program="p", since="12-30", until="01-02", weekdays=("fri", "sat")),
        CalendarRule(program="p", since="2026-11-01"),
        CalendarRule(program="p"),
    )
    told = [
        rules_read.choose(night).rule
        for night, number in ((date(2027, 1, 1), 0), (FRIDAY, 1), (FRIDAY, 2))
        if isinstance(
            rules_read := read_calendar(
                Calendar(id="c", default_program="d", rules=rules[number:])
            ),
            Rules,
        )
    ]
    assert told == [
        "rule 1: fri sat, 12-30 … 01-02",
        "rule 1: 2026-11-01 …",
        "rule 1: every night",
    ]
    plain = read_calendar(Calendar(id="c", default_program="d"))
    assert isinstance(plain, Rules)
    assert plain.choose(FRIDAY).rule == "default"


def test_a_day_offset_of_a_day_is_refused() -> None:
    assert isinstance(read_calendar(Calendar(id="c", default_program="d", day_offset=24)), Fault)
    assert isinstance(read_calendar(Calendar(id="c", default_program="d", day_offset=-1)), Fault)
