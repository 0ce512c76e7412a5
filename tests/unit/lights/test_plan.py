from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.lamps import Authority
from gateway.lights.documents import (
    AbsolutePeriod,
    Calendar,
    CalendarRule,
    FixedTimeControl,
    Program,
)
from gateway.lights.plan import Planner
from tests.unit.lights.nights import STREET, always, at, lamp, orders, shown

FRIDAY = date(2026, 11, 20)
FULL = Program(id="full", active_periods=(AbsolutePeriod(start="18:00", end="06:00"),))
WEEKENDS = Calendar(
    id="weekends",
    default_program="street",
    rules=(CalendarRule(program="full", weekdays=("fri", "sat")),),
)


def planner(**changes: object) -> Planner:
    given = {"programs": (STREET, FULL), "calendars": (always("street"), WEEKENDS)}
    return Planner(orders(**(given | changes)))


def test_a_night_says_which_rule_chose_which_program_and_when_the_sun_sets() -> None:
    plan = planner(lamps=[lamp("lamp-1", "weekends")]).plan("lamp-1", FRIDAY)
    assert (plan.calendar, plan.rule, plan.program) == ("weekends", "rule 1: fri sat", "full")
    assert plan.sunset == pytest.approx(at("2026-11-20 16:23:33"), abs=1)
    assert plan.sunrise == pytest.approx(at("2026-11-21 06:20:42"), abs=1)
    assert (plan.begins, plan.ends) == (at("2026-11-20 12:00"), at("2026-11-21 12:00"))


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    weekends = planner(lamps=[lamp("lamp-1", "weekends")])
    assert weekends.tonight("lamp-1", at("2026-11-21 03:00")) == FRIDAY
    assert weekends.at("lamp-1", at("2026-11-22 03:00")).program == "full"
    assert weekends.at("lamp-1", at("2026-11-23 03:00")).program == "street"


def test_a_calendar_may_begin_its_nights_at_another_hour() -> None:
    midnight = Calendar(id="midnight", default_program="street", rules=WEEKENDS.rules, day_offset=0)
    found = planner(calendars=[midnight], lamps=[lamp("lamp-1", "midnight")])
    assert found.at("lamp-1", at("2026-11-19 23:59")).program == "street"
    assert found.at("lamp-1", at("2026-11-20 00:00")).program == "full"


def test_a_step_is_found_by_its_time() -> None:
    plan = planner().plan("lamp-1", FRIDAY)
    assert plan.step(at("2026-11-20 22:59:59")).level == 100
    assert plan.step(at("2026-11-20 23:00")).level == 50
    assert plan.step(plan.ends - 1).level == 0


@pytest.mark.parametrize(
    ("calendar", "why"),
    [
        (None, "no calendar: "),
        (
            Calendar(id="street", default_program="gone"),
            "street, default: there is no program gone",
        ),
        (
            Calendar(id="street", default_program="street", day_offset=99),
            "calendar street cannot be used",
        ),
        (Calendar(id="other", default_program="street"), "there is no calendar street"),
    ],
)
def test_without_a_usable_calendar_or_program_it_is_lit_by_the_sun_and_says_why(
    calendar: Calendar | None, why: str
) -> None:
    one = replace(lamp("lamp-1", "street" if calendar else ""), fallback_level=70.0)
    found = planner(calendars=[calendar] if calendar else [], lamps=[one])
    plan = found.plan("lamp-1", FRIDAY)
    assert [step.level for step in plan.steps] == [0, 70, 0]
    assert {step.authority for step in plan.steps} == {Authority.FALLBACK}
    assert all(why in step.reason for step in plan.steps)
    assert plan.program == ""


def test_each_lamp_without_a_program_has_its_own_fallback_level() -> None:
    gone = Calendar(id="street", default_program="gone")
    lamps = [replace(lamp(f"lamp-{level:g}"), fallback_level=level) for level in (100.0, 70.0, 0.0)]
    found = planner(calendars=[gone], lamps=lamps)
    levels = [found.plan(one.lamp, FRIDAY).step(at("2026-11-20 20:00")).level for one in lamps]
    assert levels == [100, 70, 0]


def test_an_unreadable_program_does_not_keep_others_from_working() -> None:
    broken = Program(
        id="full",
        active_periods=FULL.active_periods,
        fixed_time_controls=(FixedTimeControl(time="late", level=1),),
    )
    found = planner(programs=(STREET, broken), lamps=[lamp("lamp-1", "weekends")])
    assert found.at("lamp-1", at("2026-11-19 20:00")).program == "street"
    fallback = found.at("lamp-1", at("2026-11-20 20:00"))
    assert fallback.step(at("2026-11-20 20:00")).level == 100
    assert "'late' is no time of day" in fallback.steps[0].reason


def test_lamps_of_one_calendar_share_the_work() -> None:
    found = planner(lamps=[lamp("lamp-1"), lamp("lamp-2")])
    assert found.plan("lamp-1", FRIDAY) is found.plan("lamp-2", FRIDAY)


def test_nights_follow_each_other_without_a_hole() -> None:
    found = planner(lamps=[lamp("lamp-1", "weekends")])
    plans = [found.plan("lamp-1", FRIDAY + timedelta(days=number)) for number in range(8)]
    ends = [shown(plan.ends) for plan in plans[:-1]]
    assert ends == [shown(plan.begins) for plan in plans[1:]]


def test_an_unknown_lamp_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        planner().plan("lamp-9", FRIDAY)
