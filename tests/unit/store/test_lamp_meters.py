"""From where the energy of late readings is counted anew."""

from datetime import date

from gateway.store import lamp_meters
from gateway.store.database import Database
from gateway.store.lamp_meters import Amend, Checkpoint

NIGHTS = [Checkpoint("l-1", date(2026, 11, day), 100.0 * day, b"%d" % day) for day in (1, 2, 5)]


async def test_the_last_night_before_is_found_else_the_first(database: Database) -> None:
    await database.write(lamp_meters.add_checkpoints, NIGHTS)
    checkpoint = lamp_meters.checkpoint
    for day, expected in ((9, NIGHTS[2]), (5, NIGHTS[1]), (3, NIGHTS[1]), (1, NIGHTS[0])):
        found = await database.read(checkpoint, "l-1", before=date(2026, 11, day))
        assert found == expected
    assert await database.read(checkpoint, "l-2", before=date(2026, 11, 9)) is None


async def test_a_night_begins_once(database: Database) -> None:
    again = Checkpoint("l-1", NIGHTS[0].night, 999.0, b"else")
    await database.write(lamp_meters.add_checkpoints, [NIGHTS[0], again])
    found = await database.read(lamp_meters.checkpoint, "l-1", before=date.max)
    assert found == NIGHTS[0]
    await database.write(lamp_meters.remove_checkpoints, "l-1", since=NIGHTS[0].night)
    assert await database.read(lamp_meters.checkpoint, "l-1", before=date.max) is None


async def test_of_late_readings_the_earliest_is_remembered(database: Database) -> None:
    for since in (50.0, 20.0, 70.0):
        await database.write(lamp_meters.want_amend, Amend("l-1", since))
    assert await database.read(lamp_meters.next_amend) == Amend("l-1", 20.0)
    await database.write(lamp_meters.done, "l-1")
    assert await database.read(lamp_meters.next_amend) is None
