"""What each lamp will do in a night, and why: calendars, programs and the sun, without sensors.

Lamps of one calendar have the same night; it is worked out once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.lamps import Authority
from gateway.lights.calendar import Fault, Rules, read_calendar
from gateway.lights.documents import AstronomicalPeriod, FixedTimeControl, Program
from gateway.lights.orders import LightOrders
from gateway.lights.program import Schedule, Step, read_program
from gateway.lights.sun import Sky
from gateway.lights.times import DAY_OFFSET_H, night_bounds, night_of

_KEPT_NIGHTS = 1_000  # of each calendar and program

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class NightPlan:
    """One night of every lamp that has this calendar: from `begins` until `ends`, Unix seconds.

    `sunset` and `sunrise` are None where the sun does neither. `rule` says which rule of `calendar`
    chose `program`. `steps` leave no hole; what sensors may change is in their `by_sensor`. Without
    a usable program it is empty, the authority is fallback, and the reasons say why.
    """

    night: date
    begins: float
    ends: float
    sunset: float | None
    sunrise: float | None
    calendar: str
    rule: str
    program: str
    steps: tuple[Step, ...]

    def step(self, at: float) -> Step:
        """The step of a time of this night."""
        return next(step for step in self.steps if at < step.until)


class _ByNight(dict[date, Made]):
    """Worked out when first asked for."""

    def __init__(self, make: Callable[[date], Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, night: date) -> Made:
        if len(self) >= _KEPT_NIGHTS:
            self.clear()
        made = self[night] = self._make(night)
        return made


@dataclass(slots=True)
class _Nights:
    """Those of one calendar; `latest` is the one asked for last by its time."""

    plans: _ByNight[NightPlan]
    day_offset_h: float
    latest: NightPlan | None = None


class Planner:
    """Answers from orders as they stand; make another one where they change."""

    def __init__(self, orders: LightOrders) -> None:
        self.zone = ZoneInfo(orders.time_zone)
        self.sky = Sky(lon=orders.lon, lat=orders.lat, zone=self.zone)
        self._schedules = {one.id: read_program(one) for one in orders.programs}
        self._calendars = {one.id: one for one in orders.calendars}
        self._rules = {one.id: read_calendar(one) for one in orders.calendars}
        shared: dict[tuple[str, float | None], _Nights] = {}
        self._nights: dict[str, _Nights] = {}
        for lamp in orders.lamps:
            level = None if self._usable(lamp.calendar) else lamp.fallback_level
            if (lamp.calendar, level) not in shared:
                shared[lamp.calendar, level] = self._nights_of(lamp.calendar, lamp.fallback_level)
            self._nights[lamp.lamp] = shared[lamp.calendar, level]
        self._plans = {lamp: nights.plans for lamp, nights in self._nights.items()}
        self._fallbacks: dict[tuple[str, float], Schedule] = {}
        self._steps: dict[tuple[Schedule, float], _ByNight[tuple[Step, ...]]] = {}

    def plan(self, lamp: str, night: date) -> NightPlan:
        """The night of `lamp` that belongs to the date. KeyError where there is no such lamp."""
        return self._plans[lamp][night]

    def tonight(self, lamp: str, at: float) -> date:
        """The night of `lamp` that `at` belongs to. KeyError where there is no such lamp."""
        return night_of(at, self.zone, day_offset_h=self._nights[lamp].day_offset_h)

    def at(self, lamp: str, at: float) -> NightPlan:
        """The night of `lamp` that `at` is in. KeyError where there is no such lamp."""
        nights = self._nights[lamp]
        if nights.latest is None or not nights.latest.begins <= at < nights.latest.ends:
            nights.latest = nights.plans[self.tonight(lamp, at)]
        return nights.latest

    def schedule(self, program: str) -> Schedule | None:
        """The program of that id, None where there is none that can be used."""
        read = self._schedules.get(program)
        return read if isinstance(read, Schedule) else None

    def programs_of(self, calendar: str) -> Iterator[str]:
        """The ids of every program that the calendar may choose."""
        known = self._calendars.get(calendar)
        if known is not None:
            yield known.default_program
            yield from (rule.program for rule in known.rules)

    def _usable(self, calendar: str) -> bool:
        return isinstance(self._rules.get(calendar), Rules) and all(
            self.schedule(program) for program in self.programs_of(calendar)
        )

    def _nights_of(self, calendar: str, fallback_level: float) -> _Nights:
        rules = self._rules.get(calendar)

        def make(night: date) -> NightPlan:
            return self._make(night, calendar, fallback_level)

        return _Nights(
            _ByNight(make), rules.day_offset_h if isinstance(rules, Rules) else DAY_OFFSET_H
        )

    def _make(self, night: date, calendar: str, fallback_level: float) -> NightPlan:
        rules = self._rules.get(calendar)
        if not isinstance(rules, Rules):
            schedule = self._fallback(_trouble("calendar", calendar, rules), fallback_level)
            return self._plan(night, DAY_OFFSET_H, ("", "", ""), schedule)
        choice = rules.choose(night)
        read = self._schedules.get(choice.program)
        if not isinstance(read, Schedule):
            why = f"{calendar}, {choice.rule}: {_trouble('program', choice.program, read)}"
            schedule = self._fallback(why, fallback_level)
            return self._plan(night, rules.day_offset_h, (calendar, choice.rule, ""), schedule)
        chosen = (calendar, choice.rule, choice.program)
        return self._plan(night, rules.day_offset_h, chosen, read)

    def _plan(
        self, night: date, day_offset_h: float, chosen: tuple[str, str, str], schedule: Schedule
    ) -> NightPlan:
        begins, ends = night_bounds(night, self.zone, day_offset_h=day_offset_h)
        dark = self.sky.dark(night)
        sunset, sunrise = (dark.sunset, dark.sunrise) if dark else (None, None)
        steps = self._steps_of(schedule, day_offset_h)[night]
        return NightPlan(night, begins, ends, sunset, sunrise, *chosen, steps)

    def _fallback(self, why: str, level: float) -> Schedule:
        """From sunset to sunrise, at the level that the lamp's node would take by itself."""
        if (why, level) not in self._fallbacks:
            program = Program(
                id=why,
                active_periods=(AstronomicalPeriod(),),
                fixed_time_controls=(FixedTimeControl(time="12:00", level=level),),
            )
            self._fallbacks[why, level] = Schedule(program, authority=Authority.FALLBACK)
        return self._fallbacks[why, level]

    def _steps_of(self, schedule: Schedule, day_offset_h: float) -> _ByNight[tuple[Step, ...]]:
        """A program's nights, which calendars share."""

        def make(night: date) -> tuple[Step, ...]:
            bounds = night_bounds(night, self.zone, day_offset_h=day_offset_h)
            return schedule.night(bounds, night, self.sky)

        return self._steps.setdefault((schedule, day_offset_h), _ByNight(make))


def _trouble(kind: str, name: str, fault: Rules | Schedule | Fault | None) -> str:
    if isinstance(fault, Fault):
        return f"{kind} {name} cannot be used, {fault.what}"
    return f"there is no {kind} {name}" if name else f"no {kind}"
