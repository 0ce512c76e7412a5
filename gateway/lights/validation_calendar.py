"""What is wrong with one calendar."""

from collections.abc import Collection, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, date

import numpy as np
import numpy.typing as npt

from gateway.lights.calendar import Conditions, Fault, read_conditions, rule_words
from gateway.lights.documents import Calendar
from gateway.lights.validation_values import Finding, too_many

_ANY_YEAR = 2000

Days = npt.NDArray[np.int64]

RULES_MAX = 200

_YEARS_OF_A_KIND = 28
"""In so many years in a row each date is each weekday, leap years included."""


def calendar_findings(calendar: Calendar, *, programs: Collection[str]) -> Iterator[Finding]:
    """`programs` are the ids that there are."""
    if not 0 <= calendar.day_offset < 24:
        yield Finding(
            "dayOffset",
            f"{calendar.day_offset:g} is not an hour of a day",
            "give 0 to less than 24; 12 makes a night belong to the day that it begins on",
        )
    if len(calendar.rules) > RULES_MAX:
        yield too_many("rules", len(calendar.rules), RULES_MAX)
        return
    named = [("defaultProgram", calendar.default_program)]
    named += [(f"rules[{n}].program", rule.program) for n, rule in enumerate(calendar.rules)]
    for where, program in named:
        if program not in programs:
            yield Finding(
                where,
                f"there is no program {program!r}",
                "upload that program first, or name another",
            )
    conditions: list[Conditions] = []
    for number, rule in enumerate(calendar.rules):
        read = read_conditions(rule)
        if isinstance(read, Fault):
            yield Finding(f"rules[{number}]", read.what, read.remedy)
        else:
            conditions.append(read)
    if len(conditions) == len(calendar.rules):
        yield from _unreachable(calendar, conditions)


def _unreachable(calendar: Calendar, conditions: Sequence[Conditions]) -> Iterator[Finding]:
    """Rules that never decide, since earlier ones hold on each of their nights."""
    days = _days(_years(conditions))
    taken = np.zeros(days.size, dtype=np.bool_)
    for number, (one, rule) in enumerate(zip(conditions, calendar.rules, strict=True)):
        holds = _holds(one, days)
        if not holds.any():
            yield Finding(
                f"rules[{number}]",
                f"{rule_words(number + 1, rule)} holds on no night at all",
                "change its weekdays or its dates, or delete it",
            )
        elif not (holds & ~taken).any():
            yield Finding(
                f"rules[{number}]",
                f"{rule_words(number + 1, rule)} never decides: on each of its nights an earlier"
                " rule holds",
                "move it up, before the wider rule, or delete it",
            )
        taken |= holds
    if calendar.rules and taken.all():
        yield Finding(
            "defaultProgram",
            f"{calendar.default_program!r} never decides: some rule holds on every night",
            "delete the last rule and make its program the default",
            warning=True,
        )


def _years(conditions: Sequence[Conditions]) -> list[int]:
    """Every kind of year, and each kind before and after every end of a rule."""
    ends = [
        date.fromordinal(day).year
        for one in conditions
        if not one.yearly
        for day in (one.since, one.until)
        if day is not None
    ]
    years = {
        year
        for end in ends or [_ANY_YEAR]
        for year in range(end - _YEARS_OF_A_KIND, end + _YEARS_OF_A_KIND + 1)
    }
    return sorted(year for year in years if MINYEAR <= year < MAXYEAR)


def _days(years: Sequence[int]) -> Days:
    """Every day of the years, since the year 1 began."""
    return np.concatenate(
        [
            np.arange(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())
            for year in years
        ]
    )


def _holds(one: Conditions, days: Days) -> npt.NDArray[np.bool_]:
    """As `Conditions.hold`, of many days."""
    holds = np.ones(days.size, dtype=np.bool_)
    if one.weekdays:
        holds &= np.isin((days - 1) % 7, list(one.weekdays))
    keys = _days_of_year(days) if one.yearly else days
    after = holds if one.since is None else keys >= one.since
    before = holds if one.until is None else keys <= one.until
    return holds & ((after | before) if one.through_new_year else (after & before))


def _days_of_year(days: Days) -> Days:
    """Month × 100 + day of the month."""
    dates = (days - date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    keys: Days = (months.astype(np.int64) % 12 + 1) * 100 + (dates - months).astype(np.int64) + 1
    return keys
