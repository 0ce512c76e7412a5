"""What the edges say of lamps becomes rows of the hub's database, with the link's marks.

Readings that are newer than all before them move their lamp's state and its energy on; late ones
amend history. A reading, event or outcome that comes again changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

import msgspec

from gateway.app.metering import Counted, Metering
from gateway.app.telling import queue_lamps
from gateway.clock import EARLIEST_TRUE_TIME
from gateway.lamps import LampEvent, LampEventKind, LampReading, Outcome, is_lit
from gateway.outputs import ngsi
from gateway.outputs.ngsi import Shown
from gateway.site import Lamp
from gateway.store import lamp_energy, lamp_events, lamp_meters, lamp_readings, overrides
from gateway.store.database import Connection
from gateway.store.lamp_meters import Amend
from gateway.store.lamp_readings import Standing
from gateway.store.lamps import LampState
from gateway.store.outgoing import Queue

DAY_S = 86_400.0
CLOCK_TOLERATED_S = 30.0
AMENDABLE_DAYS_LESS = (
    2  # a night is counted again from the night before, whose readings must be there
)
LONGEST_TEXT = 200
LONGEST_NAME = 64
MOST_NAMES = 64
IMPLAUSIBLE = "implausible"

_PERCENT = (0.0, 100.0)
_COUNTER = (0.0, 2.0**53)
_PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "target_level": _PERCENT,
    "feedback_level": _PERCENT,
    "actual_level": _PERCENT,
    "supply_voltage_v": (0.0, 1_000.0),
    "frequency_hz": (0.0, 1_000.0),
    "power_factor": (-1.0, 1.0),
    "active_power_w": (-10_000.0, 10_000.0),
    "apparent_power_va": (-10_000.0, 10_000.0),
    "active_energy_kwh": (0.0, 1e9),
    "lamp_voltage_v": (0.0, 10_000.0),
    "lamp_current_a": (0.0, 1_000.0),
    "operating_hours_h": (0.0, 1e7),
    "switch_on_counter": _COUNTER,
    "supply_loss_count": _COUNTER,
    "temperature_c": (-100.0, 300.0),
    "illuminance_lx": (0.0, 1e6),
    "tilt_deg": (-360.0, 360.0),
    "meter_class": _PERCENT,
}
"""Beyond, a number is no measurement of a lamp."""

T = TypeVar("T")


@dataclass(slots=True)
class Said:
    """What a batch of rows says of lamps, by the hub's clock.

    `forgetful` are gateways that lost their outbox, and with it which faults they had told.
    """

    readings: dict[str, list[LampReading]] = field(default_factory=lambda: defaultdict(list))
    events: list[LampEvent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, Shown] = field(default_factory=dict)
    forgetful: set[str] = field(default_factory=set)
    has_late: bool = False


class LampIntake:
    """Judges items (`take`) and writes them (`apply`, in the transaction of the marks).

    `lamps` are the site's. `counts` of `Said`: lamp_readings, lamp_readings_late (of them those
    that came again are not kept twice), lamp_readings_timeless, lamp_values_implausible,
    lamp_events, outcomes, outcomes_unknown, lamps_strange (unknown, or of another gateway).
    """

    def __init__(
        self, lamps: Iterable[Lamp], metering: Metering, *, keep_days: int, out: Queue
    ) -> None:
        self._gateway_of = {lamp.id: lamp.gateway for lamp in lamps}
        self._metering = metering
        self._keep_days = keep_days
        self._out = out

    def take(
        self,
        gateway: str,
        item: LampReading | LampEvent | Outcome,
        *,
        skew_s: float,
        now: float,
        said: Said,
    ) -> None:
        """Judge one item that `gateway` sent, whose clock is `skew_s` ahead of ours."""
        if self._gateway_of.get(item.lamp) != gateway:
            said.counts["lamps_strange"] += 1
            return
        match item:
            case LampReading():
                self._take_reading(item, skew_s, now, said)
            case LampEvent():
                said.counts["lamp_events"] += 1
                start = _believed(item.start - skew_s, now)
                end = None if item.end is None else _believed(item.end - skew_s, now)
                evidence = _named(item.evidence)
                said.events.append(LampEvent(item.lamp, item.kind, start, evidence, end))
            case Outcome():
                said.counts["outcomes"] += 1
                at = _believed(item.at - skew_s, now)
                said.outcomes.append(replace(item, at=at, why=_plain(item.why)))

    def apply(self, connection: Connection, said: Said, *, now: float) -> None:
        """Write what `said` holds; what is new of it goes to the sink, and into `said.shown`."""
        readings, switched = self._keep_readings(connection, said, now)
        events = self._forget(connection, said.forgetful, now)
        events += lamp_events.record(connection, said.events, at=now)
        known = overrides.record(connection, said.outcomes)
        if len(said.outcomes) > known:
            said.counts["outcomes_unknown"] += len(said.outcomes) - known
        queue_lamps(connection, readings, events, now=now, out=self._out)
        self._show(connection, switched | {event.lamp for event in events}, said)

    def _forget(
        self, connection: Connection, gateways: Collection[str], now: float
    ) -> list[LampEvent]:
        """End the faults that nobody would end: what is still there will be told anew."""
        if not gateways:
            return []
        lamps = [lamp for lamp, gateway in self._gateway_of.items() if gateway in gateways]
        return lamp_events.end_all(connection, lamps, at=now)

    def _take_reading(self, reading: LampReading, skew_s: float, now: float, said: Said) -> None:
        at = reading.at - skew_s
        if not EARLIEST_TRUE_TIME <= at <= now + CLOCK_TOLERATED_S:
            said.counts["lamp_readings_timeless"] += 1
            return
        strange = [
            name
            for name, (low, high) in _PLAUSIBLE.items()
            if (value := getattr(reading, name)) is not None and not low <= value <= high
        ]
        said.counts["lamp_values_implausible"] += len(strange)
        masked = {name: _plain(why) for name, why in _named(reading.masked).items()}
        reading = msgspec.structs.replace(
            reading,
            at=at,
            reason=_plain(reading.reason),
            masked=masked | dict.fromkeys(strange, IMPLAUSIBLE),
            **dict.fromkeys(strange),
        )
        said.readings[reading.lamp].append(reading)

    def _keep_readings(
        self, connection: Connection, said: Said, now: float
    ) -> tuple[list[LampReading], set[str]]:
        """Gives what is new, and the lamps whose light changed with it."""
        before = lamp_readings.standings(connection, list(said.readings))
        no = lamp_readings.next_no(connection) if len(before) < len(said.readings) else 0
        after: dict[str, Standing] = {}
        told: list[LampReading] = []
        counted: list[Counted] = []
        for lamp, readings in said.readings.items():
            standing = before.get(lamp)
            last = standing.state.reading.at if standing else 0.0
            newer = _in_order(readings, after=last)
            if standing is not None and len(newer) < len(readings):
                older = [one for one in readings if one.at <= last]
                told += self._amend(connection, standing.no, older, said, now)
            if newer:
                meter = standing.meter if standing else b""
                counted.append(self._metering.count(lamp, newer, after=last, meter=meter))
                number = standing.no if standing else no
                no += standing is None
                state = _followed(standing.state if standing else None, newer)
                after[lamp] = Standing(number, state, counted[-1].meter)
                told += newer
        said.counts["lamp_readings"] += sum(len(of) for of in said.readings.values())
        self._write(connection, after, told, counted)
        changed = {lamp for lamp, one in after.items() if _differs(before.get(lamp), one)}
        return told, changed

    def _write(
        self,
        connection: Connection,
        after: Mapping[str, Standing],
        told: Sequence[LampReading],
        counted: Sequence[Counted],
    ) -> None:
        lamp_readings.keep(connection, after)
        lamp_readings.add(
            connection, ((after[one.lamp].no, one) for one in told if one.lamp in after)
        )
        lamp_energy.add(connection, (night for one in counted for night in one.nights))
        lamp_meters.add_checkpoints(connection, [start for one in counted for start in one.begun])

    def _amend(
        self, connection: Connection, no: int, older: Sequence[LampReading], said: Said, now: float
    ) -> list[LampReading]:
        """Keep readings of a time that their lamp has passed; gives those that were not there."""
        kept_since = now - self._keep_days * DAY_S
        fresh = [
            one
            for one in older
            if one.at > kept_since and lamp_readings.add(connection, [(no, one)])
        ]
        said.counts["lamp_readings_late"] += len(older)
        amendable = [one.at for one in fresh if one.at > kept_since + AMENDABLE_DAYS_LESS * DAY_S]
        if amendable:
            said.has_late = True
            lamp_meters.want_amend(connection, Amend(fresh[0].lamp, min(amendable)))
        return fresh

    def _show(self, connection: Connection, lamps: set[str], said: Said) -> None:
        if lamps:
            faults = lamp_events.open_kinds(connection)
            standing = lamp_readings.standings(connection, list(lamps))
            for lamp in lamps:
                state = standing[lamp].state if lamp in standing else None
                said.shown[lamp] = shown(state, faults.get(lamp, ()))


def shown(state: LampState | None, faults: Sequence[LampEventKind]) -> Shown:
    """What others may see of a lamp that said `state` last."""
    if state is None:
        return ngsi.shown(None, on_at=None, off_at=None, faults=faults)
    return ngsi.shown(state.reading, on_at=state.on_at, off_at=state.off_at, faults=faults)


def _in_order(readings: Sequence[LampReading], *, after: float) -> list[LampReading]:
    """Those later than `after`, by time, one a time."""
    by_time = {one.at: one for one in reversed(readings) if one.at > after}
    return [by_time[at] for at in sorted(by_time)]


def _followed(state: LampState | None, newer: Sequence[LampReading]) -> LampState:
    """The state after `newer`, with when the lamp was seen to go on and off."""
    on_at, off_at = (None, None) if state is None else (state.on_at, state.off_at)
    lit = None if state is None else is_lit(state.reading)
    for reading in newer:
        now_lit = is_lit(reading)
        if lit is False and now_lit:
            on_at = reading.at
        elif lit and now_lit is False:
            off_at = reading.at
        lit = lit if now_lit is None else now_lit
    return LampState(newer[-1], on_at, off_at)


def _differs(before: Standing | None, after: Standing) -> bool:
    return before is None or shown(before.state, ()) != shown(after.state, ())


def _named(known: Mapping[str, T]) -> dict[str, T]:
    """What an edge said by names: no more, and no longer ones, than anybody could read."""
    return {_plain(name, LONGEST_NAME): known[name] for name in islice(known, MOST_NAMES)}


def _plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text of an edge as it may be shown, also on a terminal."""
    some = text[:longest]
    return some if some.isprintable() else "".join(c if c.isprintable() else " " for c in some)


def _believed(at: float, now: float) -> float:
    """When it was; `now` where the gateway's clock cannot have been right."""
    return at if EARLIEST_TRUE_TIME <= at <= now + CLOCK_TOLERATED_S else now
