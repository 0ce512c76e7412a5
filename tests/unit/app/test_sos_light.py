"""Who presses for help stands in the light."""

from dataclasses import replace

import pytest

from gateway.app.sos_light import KNOWN_FOR_S, SosLight
from gateway.lamps import Authority
from gateway.model import Alert, AlertKind, AlertState, Position, Presence
from gateway.settings import LightSettings
from gateway.store import lamp_audit, overrides, positions
from gateway.store.database import Database
from gateway.store.overrides import StoredOverride
from tests.unit.app.lamp_pieces import NOW, lit_street
from tests.unit.geojson_pieces import lonlat

SETTINGS = LightSettings(sos_radius_m=20.0, sos_minutes=15.0)
SOS = Alert("a-1", AlertKind.SOS, AlertState.RAISED, NOW - 5, NOW, tag="t-1", receiver="r-0")


def position(at: float, east_m: float, presence: Presence = Presence.TRACKED) -> Position:
    lon, lat = lonlat(east_m, 4)
    return Position(at, "t-1", lon, lat, 3.0, 8.0, 3, presence, ())


async def light(database: Database, *told: Alert, settings: LightSettings = SETTINGS) -> None:
    sos = SosLight(lit_street(), settings)
    await database.write(sos.brighten, told, NOW)


async def made(database: Database) -> list[StoredOverride]:
    return await database.read(overrides.latest, now=NOW, open_only=False, limit=9)


async def lamps(database: Database) -> list[tuple[str, ...]]:
    return [one.override.lamps for one in await made(database)]


async def test_the_lamps_near_the_receiver_that_heard_it_go_to_full_light(
    database: Database,
) -> None:
    await light(database, SOS)
    (stored,) = await made(database)
    one = stored.override
    assert (one.lamps, one.level, one.authority, one.scene) == (
        ("l-0",),
        100.0,
        Authority.SAFETY,
        "sos",
    )
    assert (one.start, one.expiration) == (NOW, SOS.at + 15 * 60)
    (act,) = await database.read(lamp_audit.latest, since=0.0, limit=9)
    assert (act.subject, act.authority, act.by) == (one.id, "safety", "")
    assert "t-1" not in act.detail


async def test_so_do_those_near_where_the_tag_was(database: Database) -> None:
    await database.write(positions.add, [position(SOS.at, 45.0)])
    await light(database, SOS)
    assert await lamps(database) == [("l-0", "l-1", "l-2")]


@pytest.mark.parametrize(
    "unfit",
    [
        position(SOS.at - KNOWN_FOR_S - 1, 45.0),
        position(SOS.at, 45.0, Presence.OUT_OF_COVERAGE),
    ],
)
async def test_a_place_that_is_old_or_unknown_says_nothing(
    database: Database, unfit: Position
) -> None:
    await database.write(positions.add, [unfit])
    await light(database, SOS)
    assert await lamps(database) == [("l-0",)]


async def test_one_that_comes_late_lights_for_what_is_left(database: Database) -> None:
    quarter = 15 * 60.0
    await light(database, replace(SOS, at=NOW - quarter + 60))
    assert [one.override.expiration for one in await made(database)] == [NOW + 60]
    await light(database, replace(SOS, id="a-2", at=NOW - quarter))
    assert len(await made(database)) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(SOS, kind=AlertKind.ZONE_LEAVE),
        replace(SOS, state=AlertState.ACKNOWLEDGED),
        replace(SOS, receiver="r-99", tag=""),
        replace(SOS, receiver="r-3"),  # its lamp is driven by nobody, the next ones are 30 m away
    ],
)
async def test_nothing_else_lights_anything(database: Database, other: Alert) -> None:
    await light(database, other)
    assert await made(database) == []
