"""What is old is deleted, in batches small enough that no other write waits long."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from gateway.settings import RetentionSettings
from gateway.store import access, lamps, outings
from gateway.store.lamp_schema import (
    lamp_audit,
    lamp_checkpoints,
    lamp_energy,
    lamp_events,
    overrides,
)
from gateway.store.schema import alerts, gaps, positions, sessions, windows, zone_events
from gateway.store.tag_schema import heard_eids, sealed_waiting, suspicions, tag_states

BATCH = 2_000  # rows of a table in one call: some 20 ms on a Pi's card
LAMPS_OF_AN_OVERRIDE = 100  # each takes so many rows with it, or all the site's
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


def forget(
    connection: Connection, *, now: float, keep: RetentionSettings, batch: int = BATCH
) -> Mapping[str, int]:
    """Delete up to `batch` rows of each table that are older than `keep`; gives how many of which.

    Call it again, in another transaction, as long as it finds any. Gaps are kept as long as
    routes, which need them to say why they have holes; so are suspicions, which mark their points.
    A rotating identifier is known for as long as a window may hold it.
    """
    old = _too_old(now, keep)
    since_alerts = now - keep.alerts_days * DAY_S
    forgotten = {table.name: _delete(connection, table, where, batch) for table, where in old}
    forgotten["overrides"] = _delete(
        connection,
        overrides,
        overrides.c.expiration < since_alerts,
        max(1, batch // LAMPS_OF_AN_OVERRIDE),
    )
    forgotten["route_points"] = outings.forget(
        connection, before=now - keep.routes_days * DAY_S, limit=batch
    )
    forgotten["lamp_readings"] = lamps.forget_readings(
        connection, before=now - keep.lamp_readings_days * DAY_S, limit=batch
    )
    forgotten["access_log"] = access.forget(connection, before=since_alerts, limit=batch)
    return {name: count for name, count in forgotten.items() if count}


def _too_old(now: float, keep: RetentionSettings) -> Sequence[tuple[Table, ColumnElement[bool]]]:
    """Which rows go, of each table whose rows are alike."""
    since_sightings = now - keep.sightings_hours * HOUR_S
    since_positions = now - keep.positions_days * DAY_S
    since_routes = now - max(keep.routes_days, keep.positions_days) * DAY_S
    since_alerts = now - keep.alerts_days * DAY_S
    since_readings = now - keep.lamp_readings_days * DAY_S
    return (
        (windows, windows.c.second < since_sightings),
        (gaps, gaps.c.until < since_routes),
        (heard_eids, heard_eids.c.until < since_sightings),
        (sealed_waiting, sealed_waiting.c.came_at < since_sightings),
        (tag_states, tag_states.c.at < since_routes),
        (suspicions, suspicions.c.at < since_routes),
        (positions, positions.c.at < since_positions),
        (zone_events, zone_events.c.at < since_positions),
        (alerts, alerts.c.raised_at < since_alerts),
        (sessions, sessions.c.expires_at <= now),
        (lamp_events, lamp_events.c.end < since_alerts),
        (lamp_audit, lamp_audit.c.at < since_alerts),
        (lamp_energy, lamp_energy.c.night < _day(now - keep.energy_days * DAY_S)),
        (lamp_checkpoints, lamp_checkpoints.c.night < _day(since_readings)),
    )


def _delete(connection: Connection, table: Table, where: ColumnElement[bool], batch: int) -> int:
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(where).limit(batch)
    return int(connection.execute(delete(table).where(key.in_(some))).rowcount)


def _day(at: float) -> str:
    """The day of `at` in UTC, as nights are written; a zone's own is at most one off."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
