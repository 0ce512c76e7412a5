"""What is old is deleted, in batches small enough that no other write waits long."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.settings import RetentionSettings
from gateway.store import access, lamps, outings, sightings
from gateway.store.database import Database
from gateway.store.lamp_schema import (
    lamp_audit,
    lamp_checkpoints,
    lamp_energy,
    lamp_events,
    overrides,
)
from gateway.store.schema import (
    alerts,
    gaps,
    positions,
    sessions,
    sweeps,
    windows,
    zone_events,
)
from gateway.store.tag_schema import heard_eids, sealed_waiting, suspicions, tag_states

HOLD_S = 0.03  # how long a delete may keep the writer: an SOS may wait behind it
SHARE = 0.2  # of the writer's time, at most
LEAST, FIRST, MOST = 20, 200, 5_000  # rows of a delete
LAMPS_OF_AN_OVERRIDE = 100  # each takes so many rows with it, or all the site's
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S

Forget = Callable[[Connection, float, int], int]
"""Delete up to so many rows from before then; gives how many."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A table, how many seconds its rows are kept, and what deletes those that are older.

    A row takes `each` rows with it.
    """

    table: str
    seconds: float
    forget: Forget
    each: int = 1


class Sweep:
    """Deletes what is older than `keep`, in writes that hold the writer for some `HOLD_S` each.

    How many rows that is shows the time that the last delete of the table took: a card's a
    hundredth of a disk's. `counts`: rows deleted, by table.
    """

    def __init__(
        self,
        database: Database,
        keep: RetentionSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._database = database
        self._kept = kept(keep)
        self._monotonic = monotonic
        self._pause = pause
        self._limits = {one.table: FIRST // one.each for one in self._kept}

    async def run(self, now: float) -> None:
        """Until nothing old is left. Raises StoreError."""
        for one in self._kept:
            more = True
            while more:
                limit = self._limits[one.table]
                count, took_s = await self._database.write(self._timed, one, now, limit)
                self.counts[one.table] += count
                more = count >= limit
                await self._pause(took_s / SHARE)
        await self._database.write(set_swept_at, now)

    def _timed(
        self, connection: Connection, one: Kept, now: float, limit: int
    ) -> tuple[int, float]:
        begun_at = self._monotonic()
        count = one.forget(connection, now - one.seconds, limit)
        took_s = self._monotonic() - begun_at
        if count >= limit:
            wanted = limit * min(max(HOLD_S / max(took_s, 1e-6), 0.25), 2.0)
            least = max(1, LEAST // one.each)
            self._limits[one.table] = round(min(max(wanted, least), MOST // one.each))
        return count, took_s


def swept_at(connection: Connection, site: str) -> float | None:
    """By which time was last swept; before the first time, how far `site` is stepped, if at all."""
    at: float | None = connection.scalar(select(sweeps.c.at))
    return sightings.stepped_to(connection, site) if at is None else at


def set_swept_at(connection: Connection, at: float) -> None:
    """Say by which time was swept."""
    row = upsert(sweeps).values(id=1, at=at)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"at": at}))


def kept(keep: RetentionSettings) -> tuple[Kept, ...]:
    """What is kept how long.

    Gaps are kept as long as routes, which need them to say why they have holes; so are suspicions,
    which mark their points. A rotating identifier is known for as long as a window may hold it.
    """
    sightings_s = keep.sightings_hours * HOUR_S
    positions_s = keep.positions_days * DAY_S
    routes_s = max(keep.routes_days, keep.positions_days) * DAY_S
    alerts_s = keep.alerts_days * DAY_S
    readings_s = keep.lamp_readings_days * DAY_S
    return (
        Kept("windows", sightings_s, _older(windows.c.second)),
        Kept("gaps", routes_s, _older(gaps.c.until)),
        Kept("heard_eids", sightings_s, _older(heard_eids.c.until)),
        Kept("sealed_waiting", sightings_s, _older(sealed_waiting.c.came_at)),
        Kept("tag_states", routes_s, _older(tag_states.c.at)),
        Kept("suspicions", routes_s, _older(suspicions.c.at)),
        Kept("positions", positions_s, _older(positions.c.at)),
        Kept("zone_events", positions_s, _older(zone_events.c.at)),
        Kept("alerts", alerts_s, _older(alerts.c.raised_at)),
        Kept("sessions", 0.0, _older(sessions.c.expires_at)),
        Kept("lamp_events", alerts_s, _older(lamp_events.c.end)),
        Kept("lamp_audit", alerts_s, _older(lamp_audit.c.at)),
        Kept("lamp_energy", keep.energy_days * DAY_S, _older_night(lamp_energy.c.night)),
        Kept("lamp_checkpoints", readings_s, _older_night(lamp_checkpoints.c.night)),
        Kept("overrides", alerts_s, _older(overrides.c.expiration), each=LAMPS_OF_AN_OVERRIDE),
        Kept("route_points", keep.routes_days * DAY_S, _by(outings.forget)),
        Kept("lamp_readings", readings_s, _by(lamps.forget_readings)),
        Kept("access_log", alerts_s, _by(access.forget)),
        Kept("marks", 0.0, _long_gone_marks),
    )


def _older(when: Column[Any]) -> Forget:
    def forget(connection: Connection, before: float, limit: int) -> int:
        return _delete(connection, when, when <= before, limit)

    return forget


def _older_night(night: Column[Any]) -> Forget:
    """By the day in UTC, as nights are written; a zone's own is at most one off."""

    def forget(connection: Connection, before: float, limit: int) -> int:
        return _delete(
            connection, night, night < datetime.fromtimestamp(before, UTC).date().isoformat(), limit
        )

    return forget


def _long_gone_marks(connection: Connection, _before: float, limit: int) -> int:
    """A gateway begins an epoch at each start; its newest rows name the newest epochs only."""
    return sightings.forget_marks(connection, limit=limit)


def _by(forget: Callable[..., int]) -> Forget:
    def forgotten(connection: Connection, before: float, limit: int) -> int:
        return forget(connection, before=before, limit=limit)

    return forgotten


def _delete(connection: Connection, of: Column[Any], where: ColumnElement[bool], limit: int) -> int:
    table = of.table
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(where).limit(limit)
    return int(connection.execute(delete(table).where(key.in_(some))).rowcount)
