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
ROUTE_DAYS, READING_DAYS = 31, 8  # one more each than is kept
READINGS_A_DAY = 1_440

_SERIES = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "
_WINDOWS = """
INSERT INTO windows (gateway, epoch, lane, seq, second, skew_s, late, amended, body)
SELECT 'gw-0' || (i % :each), 'e1', 'live', i / :each, :since + i / :each, 0.0, 0, 0,
    randomblob(:a_day) FROM n"""
_POSITIONS = """
INSERT INTO positions (tag, at, lon, lat, radius68_m, radius95_m, n_heard, presence, zones, late,
    path, path_probability)
SELECT 't-' || (i % :each), :since + 86400.0 / :a_day * (i / :each), 140.88 + (i % 997) * 1e-5,
    37.05 + (i % 991) * 1e-5, 4.5, 9.25, 3, 'tracked', '[["z-home",0.93],["z-street",0.05]]', 0,
    'p-17', 0.875 FROM n"""
_POINTS = """
INSERT INTO route_points (tag, slot, at, lon, lat, radius68_m, zone)
SELECT 't-' || (i / :each), slot, 5 * slot + 1.0, 140.88, 37.05, 4.5, 'z-street' FROM (
    SELECT i, :since / 5 + ((i % :each) / :a_day) * 17280 + (i % :each) % :a_day AS slot FROM n)"""
_OUTINGS = """
INSERT INTO outings (tag, opened_at, heard_until)
SELECT 't-' || (i / :each), :since + (i % :each) * 86400.0,
    :since + (i % :each) * 86400.0 + 5 * :a_day FROM n"""
_LAMPS = """
INSERT INTO lamp_states (no, lamp, at, reading, meter)
SELECT i + 1, 'l-' || i, 0.0, x'', x'' FROM n"""
_READINGS = """
INSERT INTO lamp_readings (lamp_no, at, actual_level, active_power_w, supply_voltage_v)
SELECT i / :each + 1, :since + 86400.0 / :a_day * (i % :each), 50.0, 20.5, 100.25 FROM n"""


def build(path: Path, *, share: float = 1.0) -> None:
    """Make the database, or `share` of its carriers; a day of each kind is due to be forgotten."""
    carriers = max(1, round(CARRIERS * share))
    route_points = ROUTE_DAYS * POINTS_A_DAY
    readings = READING_DAYS * READINGS_A_DAY
    with connection_alone(path) as connection:
        migrate.migrate(connection, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        seconds = round(2 * DAY_S * share)
        for statement, count, days, each, a_day in (
            (_WINDOWS, GATEWAYS * seconds, 2, GATEWAYS, WINDOW_BYTES),
            (_POSITIONS, 3 * POSITIONS_A_DAY * carriers, 3, carriers, POSITIONS_A_DAY),
            (_POINTS, route_points * carriers, ROUTE_DAYS, route_points, POINTS_A_DAY),
            (_OUTINGS, ROUTE_DAYS * carriers, ROUTE_DAYS, ROUTE_DAYS, POINTS_A_DAY),
            (_LAMPS, LAMPS, 0, 1, 1),
            (_READINGS, readings * LAMPS, READING_DAYS, readings, READINGS_A_DAY),
        ):
            values = {"count": count, "since": NOW - days * DAY_S, "each": each, "a_day": a_day}
            file.execute(_SERIES + statement, values)
        file.execute("PRAGMA journal_mode = WAL")
