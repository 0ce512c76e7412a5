"""A hub's database as it is after a month of 300 carriers: the real schema, plausible rows.

Rows come by one INSERT … SELECT a table, so that gigabytes take a minute; bodies are random bytes
of the length that compressed windows have, which nobody here reads.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.store import migrate
from gateway.store.backup import connection_alone

DAY_S = 86_400
NOW = 1_800_000_000
CARRIERS, GATEWAYS, LAMPS = 300, 4, 90
WINDOW_BYTES = 2_000  # of a gateway's second: a quarter of 1,200 readings, compressed
POSITIONS_A_DAY = 2_880  # of a carrier: a heartbeat a minute, and half an hour of walking
POINTS_A_DAY = 720  # of a route, 5 s apart: an hour a day

_SERIES = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
_WINDOWS = """INSERT INTO windows (gateway, epoch, lane, seq, second, skew_s, late, amended, body)
 SELECT 'gw-0' || (i % {gateways}), 'e1', 'live', i / {gateways}, {since} + i / {gateways}, 0.0, 0, 0,
 randomblob({bytes}) FROM n"""
_POSITIONS = """INSERT INTO positions (tag, at, lon, lat, radius68_m, radius95_m, n_heard, presence,
 zones, late, path, path_probability)
 SELECT 't-' || (i % {carriers}), {since} + {step} * (i / {carriers}), 140.88 + (i % 997) * 1e-5,
 37.05 + (i % 991) * 1e-5, 4.5, 9.25, 3, 'tracked', '[["z-home",0.93],["z-street",0.05]]', 0,
 'p-17', 0.875 FROM n"""
_POINTS = """INSERT INTO route_points (tag, slot, at, lon, lat, radius68_m, zone)
 SELECT 't-' || (i / {each}), slot, 5 * slot + 1.0, 140.88, 37.05, 4.5, 'z-street' FROM
 (SELECT i, {since} / 5 + ((i % {each}) / {a_day}) * 17280 + (i % {each}) % {a_day} AS slot FROM n)"""
_OUTINGS = """INSERT INTO outings (tag, opened_at, heard_until)
 SELECT 't-' || (i / {days}), {since} + (i % {days}) * 86400.0,
 {since} + (i % {days}) * 86400.0 + 5 * {a_day} FROM n"""
_LAMPS = """INSERT INTO lamp_states (no, lamp, at, reading, meter)
 SELECT i + 1, 'l-' || i, 0.0, x'', x'' FROM n"""
_READINGS = """INSERT INTO lamp_readings (lamp_no, at, actual_level, active_power_w, supply_voltage_v)
 SELECT i / {each} + 1, {since} + 60.0 * (i % {each}), 50.0, 20.5, 100.25 FROM n"""


def build(path: Path, *, share: float = 1.0) -> None:
    """Make the database, or `share` of its carriers; a day of each kind is due to be forgotten."""
    carriers = max(1, round(CARRIERS * share))
    with connection_alone(path) as connection:
        migrate.migrate(connection, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        file.execute("PRAGMA cache_size = -200000")
        _fill(
            file,
            _WINDOWS,
            round(2 * DAY_S * GATEWAYS * share),
            since=NOW - 2 * DAY_S,
            gateways=GATEWAYS,
            bytes=WINDOW_BYTES,
        )
        _fill(
            file,
            _POSITIONS,
            3 * POSITIONS_A_DAY * carriers,
            since=NOW - 3 * DAY_S,
            carriers=carriers,
            step=DAY_S / POSITIONS_A_DAY,
        )
        days = 31
        _fill(
            file,
            _POINTS,
            days * POINTS_A_DAY * carriers,
            since=NOW - days * DAY_S,
            each=days * POINTS_A_DAY,
            a_day=POINTS_A_DAY,
        )
        _fill(
            file, _OUTINGS, days * carriers, since=NOW - days * DAY_S, days=days, a_day=POINTS_A_DAY
        )
        _fill(file, _LAMPS, LAMPS)
        _fill(file, _READINGS, 8 * 1_440 * LAMPS, since=NOW - 8 * DAY_S, each=8 * 1_440)
        file.execute("PRAGMA journal_mode = WAL")


def _fill(file: sqlite3.Connection, statement: str, count: int, **values: object) -> None:
    file.execute(_SERIES.format(count=count) + statement.format(**values))
