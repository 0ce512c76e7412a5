"""The last that a lamp said, and all that it said over some days."""

from dataclasses import replace

from msgspec.structs import replace as changed

from gateway.lamps import LampReading
from gateway.store import lamp_readings, lamps
from gateway.store.database import Connection, Database
from gateway.store.lamp_readings import Standing
from gateway.store.lamps import LampState

SAID = LampReading(
    at=1_000.0,
    lamp="l-1",
    target_level=50.0,
    actual_level=49.0,
    active_power_w=20.5,
    motion=True,
    masked={"tilt_deg": "not fitted"},
)
STANDING = Standing(1, LampState(SAID, 900.0, None), b"meter")


def say(connection: Connection, *readings: LampReading, no: int = 1) -> int:
    return lamp_readings.add(connection, [(no, one) for one in readings])


async def test_where_a_lamp_stands_is_kept_whole(database: Database) -> None:
    assert await database.read(lamp_readings.next_no) == 1
    await database.write(lamp_readings.keep, {"l-1": STANDING})
    assert await database.read(lamp_readings.standings, ["l-1", "l-2"]) == {"l-1": STANDING}
    assert await database.read(lamps.states) == {"l-1": STANDING.state}
    assert await database.read(lamps.state, "l-1") == STANDING.state
    later = replace(STANDING, state=LampState(changed(SAID, at=1_060.0), 900.0, 1_060.0))
    await database.write(lamp_readings.keep, {"l-1": later})
    assert await database.read(lamp_readings.standings, ["l-1"]) == {"l-1": later}
    assert await database.read(lamp_readings.next_no) == 2


async def test_a_reading_that_comes_again_is_one(database: Database) -> None:
    await database.write(lamp_readings.keep, {"l-1": STANDING})
    assert await database.write(say, SAID, changed(SAID, at=1_060.0)) == 2
    assert await database.write(say, SAID, changed(SAID, at=940.0)) == 1
    history = await database.read(lamps.history, "l-1", since=940.0, until=1_000.0)
    assert history == [(940.0, 50.0, 49.0, 20.5), (1_000.0, 50.0, 49.0, 20.5)]


async def test_what_energy_is_counted_by_comes_back_in_order(database: Database) -> None:
    await database.write(lamp_readings.keep, {"l-1": STANDING})
    await database.write(say, changed(SAID, at=1_060.0, active_energy_kwh=7.5), SAID)
    await database.write(say, changed(SAID, lamp="l-2"), no=2)
    kept = await database.read(lamp_readings.between, "l-1", after=900.0, until=1_060.0)
    assert [(one.at, one.active_energy_kwh) for one in kept] == [(1_000.0, None), (1_060.0, 7.5)]
    assert kept[0].actual_level == SAID.actual_level
    assert await database.read(lamp_readings.between, "l-1", after=1_000.0, until=1_059.0) == []


async def test_old_readings_are_forgotten_lamp_by_lamp(database: Database) -> None:
    other = replace(STANDING, no=2, state=LampState(changed(SAID, lamp="l-2"), None, None))
    await database.write(lamp_readings.keep, {"l-1": STANDING, "l-2": other})
    for no in (1, 2):
        await database.write(say, *(changed(SAID, at=float(at)) for at in range(5)), no=no)
    counts = [await database.write(lamps.forget_readings, before=4.0, limit=3) for _ in range(4)]
    assert counts == [3, 3, 2, 0]
    left = await database.read(lamps.history, "l-2", since=0.0, until=9.0)
    assert [at for at, *_ in left] == [4.0]
