"""Which program a night has: the first rule of a calendar that holds for the night's date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.lights.documents import Calendar, CalendarRule

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LEAP_YEAR = 2000
_FULL_DATE = 10
_FORMAT_HINT = 'write "YYYY-MM-DD" for one year\'s day, "MM-DD" for a day of every year'


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a part of a document, and what to do about it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """A rule's, read. `since` and `until` are the first and the last day that it holds: days since
    the year 1 began or, `yearly`, month × 100 + day. `weekdays` are 0 (Monday) to 6.
    """

    since: int | None
    until: int | None
    yearly: bool
    weekdays: frozenset[int]

    def hold(self, night: date) -> bool:
        """Of this date?"""
        if self.weekdays and night.weekday() not in self.weekdays:
            return False
        day = night.month * 100 + night.day if self.yearly else night.toordinal()
        after = self.since is None or day >= self.since
        before = self.until is None or day <= self.until
        return (after or before) if self.through_new_year else (after and before)

    @property
    def through_new_year(self) -> bool:
        """Does it hold to the end of a year and from the beginning of the next?"""
        return self.since is not None and self.until is not None and self.until < self.since


def read_conditions(rule: CalendarRule) -> Conditions | Fault:
    """The rule's conditions, or why they cannot be read."""
    unknown = [name for name in rule.weekdays if name not in WEEKDAYS]
    if unknown:
        return Fault(
            f"weekdays: {unknown[0]!r} is no weekday", f"take of {', '.join(WEEKDAYS)}, small"
        )
    for key, text in (("since", rule.since), ("until", rule.until)):
        if text and _day(text) is None:
            return Fault(f"{key}: {text!r} is no date", _FORMAT_HINT)
    yearly = {len(text) != _FULL_DATE for text in (rule.since, rule.until) if text}
    if len(yearly) > 1:
        return Fault(
            f"since {rule.since!r} is of one year and until {rule.until!r} of every year, or"
            " the other way round",
            "write both with the year, or both without",
        )
    since, until = _day(rule.since), _day(rule.until)
    if yearly == {False} and since is not None and until is not None and until < since:
        return Fault(
            f"until {rule.until} is before since {rule.since}: no night is between them",
            "swap them, or write both without the year to go through the year's end",
        )
    every_year = True in yearly
    return Conditions(
        since=None if since is None else _key(since, yearly=every_year),
        until=None if until is None else _key(until, yearly=every_year),
        yearly=every_year,
        weekdays=frozenset(WEEKDAYS.index(name) for name in rule.weekdays),
    )


def _key(day: date, *, yearly: bool) -> int:
    return day.month * 100 + day.day if yearly else day.toordinal()


def _day(text: str) -> date | None:
    whole = text if len(text) == _FULL_DATE else f"{_LEAP_YEAR}-{text}"
    try:
        return date.fromisoformat(whole) if len(whole) == _FULL_DATE else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """The program of a night. `rule` says which rule chose it: "rule 2: 12-29 … 01-03", "default"
    where none did.
    """

    program: str
    rule: str


class Rules:
    """A calendar, read once and asked often."""

    def __init__(self, calendar: Calendar, conditions: Sequence[Conditions]) -> None:
        self.day_offset_h = calendar.day_offset
        self._default = Choice(calendar.default_program, "default")
        self._rules = [
            (read, Choice(rule.program, rule_words(number, rule)))
            for number, (read, rule) in enumerate(
                zip(conditions, calendar.rules, strict=True), start=1
            )
        ]

    def choose(self, night: date) -> Choice:
        """What the first rule that holds says."""
        for conditions, choice in self._rules:
            if conditions.hold(night):
                return choice
        return self._default


def read_calendar(calendar: Calendar) -> Rules | Fault:
    """The calendar's rules, or what makes it unusable."""
    if not 0 <= calendar.day_offset < 24:
        return Fault(
            f"dayOffset: {calendar.day_offset:g} is not an hour of a day",
            "give 0 to less than 24; 12 makes a night belong to the day it begins on",
        )
    conditions = []
    for rule in calendar.rules:
        read = read_conditions(rule)
        if isinstance(read, Fault):
            return read
        conditions.append(read)
    return Rules(calendar, conditions)


def rule_words(number: int, rule: CalendarRule) -> str:
    """The rule as staff read it; `number` counts from 1."""
    parts = [" ".join(rule.weekdays)] if rule.weekdays else []
    if rule.since or rule.until:
        parts.append(f"{rule.since} … {rule.until}".strip())
    return f"rule {number}: {', '.join(parts) or 'every night'}"
