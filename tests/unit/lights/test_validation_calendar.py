from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.lights.calendar import WEEKDAYS, Rules, read_calendar
from gateway.lights.documents import Calendar, CalendarRule
from gateway.lights.validation_calendar import calendar_findings
from gateway.lights.validation_values import Finding


def rule(since: str = "", until: str = "", *weekdays: str) -> CalendarRule:
    return CalendarRule(program="p", since=since, until=until, weekdays=weekdays)


def findings(*rules: CalendarRule, day_offset: float = 12.0) -> list[Finding]:
    calendar = Calendar(id="c", default_program="p", rules=rules, day_offset=day_offset)
    return list(calendar_findings(calendar, programs={"p"}))


def places(*rules: CalendarRule) -> list[str]:
    return [finding.where for finding in findings(*rules)]


def test_programs_that_there_are_not_are_told() -> None:
    calendar = Calendar(
        id="c", default_program="a", rules=(CalendarRule(program="b", weekdays=("mon",)), rule())
    )
    found = [finding.where for finding in calendar_findings(calendar, programs={"p"})]
    assert found[:2] == ["defaultProgram", "rules[0].program"]


def test_a_rule_that_cannot_be_read_is_told() -> None:
    assert places(rule("2026-13-01")) == ["rules[0]"]


def test_a_day_offset_out_of_range_is_told() -> None:
    assert [finding.where for finding in findings(day_offset=24)] == ["dayOffset"]


@pytest.mark.parametrize(
    "rules",
    [
        (rule("", "", "sat"), rule("", "", "sat")),
        (rule("", "", "sat", "sun"), rule("", "", "sat")),
        (rule("12-01", "02-10"), rule("12-29", "01-03")),
        (rule("12-01", "02-10"), rule("2026-12-24", "2027-01-07")),
        (rule("2026-01-01"), rule("2026-12-24", "2027-01-07")),
        (rule("01-01", "12-31"), rule("02-29", "02-29")),
    ],
)
def test_a_rule_behind_a_wider_one_never_decides(rules: tuple[CalendarRule, ...]) -> None:
    assert "rules[1]" in places(*rules)


@pytest.mark.parametrize(
    "rules",
    [
        (rule("", "", "sat"), rule("", "", "sat", "sun")),
        (rule("12-29", "01-03"), rule("12-01", "02-10")),
        (rule("2026-12-24", "2027-01-07"), rule("12-24", "01-07")),
        (rule("", "2030-12-31"), rule("02-29", "02-29", "mon")),
        (rule("2030-01-01"), rule("02-29", "02-29", "mon")),
        (rule("03-01", "02-28"), rule("02-29", "02-29", "mon")),
    ],
)
def test_a_rule_behind_a_narrower_one_decides_sometimes(rules: tuple[CalendarRule, ...]) -> None:
    assert places(*rules) == []


def test_rules_that_hide_another_only_together_do_hide_it() -> None:
    assert places(
        rule("", "", *WEEKDAYS[:5]), rule("", "", *WEEKDAYS[5:]), rule("05-01", "05-31")
    ) == [
        "rules[2]",
        "defaultProgram",
    ]


def test_more_rules_than_anybody_can_mean_are_refused() -> None:
    assert places(*[rule("2026-01-01", "2026-01-01")] * 201) == ["rules"]


def test_a_rule_of_no_night_is_told() -> None:
    assert places(rule("2026-11-20", "2026-11-20", "mon")) == ["rules[0]"]
    assert places(rule("2026-11-20", "2026-11-20", "fri")) == []


def test_a_default_that_is_never_used_is_only_warned_of() -> None:
    (finding,) = findings(rule())
    assert (finding.where, finding.warning) == ("defaultProgram", True)


def test_an_end_far_in_the_future_costs_little() -> None:
    assert places(rule("2026-11-20", "9999-12-31"), rule("12-24", "01-07")) == []


DATES = st.dates(date(2026, 1, 1), date(2027, 12, 31))
RULES = st.builds(
    CalendarRule,
    program=st.just("p"),
    since=st.one_of(st.just(""), DATES.map(lambda day: f"{day:%m-%d}")),
    until=st.one_of(st.just(""), DATES.map(lambda day: f"{day:%m-%d}")),
    weekdays=st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=4).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=5))
def test_what_is_said_to_decide_never_is_what_never_decided_in_28_years(
    rules: list[CalendarRule],
) -> None:
    numbered = tuple(
        CalendarRule(program=str(n), since=one.since, until=one.until, weekdays=one.weekdays)
        for n, one in enumerate(rules)
    )
    calendar = Calendar(id="c", default_program="default", rules=numbered)
    read = read_calendar(calendar)
    assert isinstance(read, Rules)
    chosen = {read.choose(date(2001, 1, 1) + timedelta(days=n)).program for n in range(28 * 366)}
    idle = {str(n) for n in range(len(rules))} - chosen
    known = [*map(str, range(len(rules))), "default"]
    found = {finding.where for finding in calendar_findings(calendar, programs=known)}
    assert {f"rules[{n}]" for n in idle} == found - {"defaultProgram"}
    assert ("default" in chosen) == ("defaultProgram" not in found)
