"""Readings in the order of their times become kilowatt-hours a night; late ones are counted anew.

Where a lamp stands is kept with its last reading, and where it stood before each night, so that a
night can be counted again from its beginning when readings of it come late.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from gateway.lamps import LampReading, LampType
from gateway.lights.energy import MeterState, NightEnergy, advance
from gateway.lights.times import night_bounds, night_of
from gateway.store import lamp_energy, lamp_meters, lamp_readings
from gateway.store.database import Connection
from gateway.store.lamp_meters import Checkpoint
from gateway.store.lamp_readings import Standing

_meter_from = msgspec.json.Decoder(MeterState)


class Nights:
    """Which night a time is of; most times asked are of the same night as the one before."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._night = date.min
        self._begins = self._ends = 0.0

    def of(self, at: float) -> date:
        """The night of `at`, from noon to noon by the site's clocks."""
        if not self._begins <= at < self._ends:
            self._night = night_of(at, self._zone)
            self._begins, self._ends = night_bounds(self._night, self._zone)
        return self._night


@dataclass(slots=True)
class Counted:
    """What some readings amount to: where the lamp stands then (encoded), and what to keep."""

    meter: bytes
    nights: list[NightEnergy] = field(default_factory=list)
    begun: list[Checkpoint] = field(default_factory=list)


class Metering:
    """Counts the energy of the lamps whose type is known: `types` by lamp."""

    def __init__(self, types: Mapping[str, LampType], zone: ZoneInfo) -> None:
        self._types = types
        self._nights = Nights(zone)

    def count(
        self, lamp: str, said: Iterable[LampReading], *, after: float, meter: bytes
    ) -> Counted:
        """Go on with `said`, in order, from `meter` as it stood after the reading at `after`."""
        counted = Counted(meter)
        lamp_type = self._types.get(lamp)
        if lamp_type is None:
            return counted
        state = _meter_from.decode(meter) if meter else None
        for reading in said:
            night = self._nights.of(reading.at)
            if state is None or self._nights.of(after) != night:
                counted.begun.append(Checkpoint(lamp, night, after, _encoded(state)))
            state, shares = advance(state, reading, lamp_type, night_of=self._nights.of)
            counted.nights += (
                NightEnergy(
                    lamp,
                    share.night,
                    share.metered_kwh,
                    share.estimated_kwh,
                    share.baseline_kwh,
                    share.on_hours,
                )
                for share in shares
            )
            after = reading.at
        counted.meter = _encoded(state)
        return counted

    def amend_next(self, connection: Connection) -> bool:
        """Count the energy of one lamp anew of which readings came late; False where none is left.

        From the last night before the late readings on, whose own beginning they cannot change.
        """
        amend = lamp_meters.next_amend(connection)
        if amend is None:
            return False
        lamp_meters.done(connection, amend.lamp)
        standing = lamp_readings.standings(connection, [amend.lamp]).get(amend.lamp)
        begun = lamp_meters.checkpoint(connection, amend.lamp, before=self._nights.of(amend.since))
        if standing is not None and begun is not None:
            self._count_again(connection, begun, standing)
        return True

    def _count_again(self, connection: Connection, begun: Checkpoint, standing: Standing) -> None:
        last = standing.state.reading.at
        said = lamp_readings.between(connection, begun.lamp, after=begun.at, until=last)
        counted = self.count(begun.lamp, said, after=begun.at, meter=begun.meter)
        since = begun.night if begun.meter else date.min  # a lamp's first reading ever
        lamp_energy.remove(connection, begun.lamp, since=since)
        # The first reading's share in nights before is counted already, and is the same.
        lamp_energy.add(connection, [one for one in counted.nights if one.night >= since])
        lamp_meters.remove_checkpoints(connection, begun.lamp, since=since)
        lamp_meters.add_checkpoints(connection, counted.begun)
        now = Standing(standing.no, standing.state, counted.meter)
        lamp_readings.keep(connection, {begun.lamp: now})


def _encoded(state: MeterState | None) -> bytes:
    return b"" if state is None else msgspec.json.encode(state)
