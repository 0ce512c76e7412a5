"""What was heard and stored becomes a calibration that is in force."""

import asyncio

from gateway.app.learner import LONGEST_S, Lesson, StoredWindows, learn_stored
from gateway.store import calibrations
from gateway.store.database import Database
from gateway.tags.calibration import Calibration
from gateway.tags.health import Fault
from tests.unit.app.nights import EVENING, MORNING, day, live_through, road


async def test_stored_windows_are_gone_through_as_often_as_one_likes_by_the_hubs_clock(
    database: Database,
) -> None:
    await database.write(live_through, skew_s=100)
    windows = StoredWindows(database, MORNING + 10, EVENING)
    first = await asyncio.to_thread(list, windows)
    assert first == day()[10:]
    assert await asyncio.to_thread(list, windows) == first


async def test_a_day_of_walks_is_learned_from_once(database: Database) -> None:
    await database.write(live_through)
    lesson = await learn_stored(database, road(), now=EVENING + 3_600.0)
    assert lesson.calibration is not None
    assert {one.receiver: one.fault for one in lesson.calibration.verdicts} == {"r-2": Fault.DEAD}
    assert await database.read(calibrations.in_force) == lesson.id
    assert lesson.id is not None
    assert await database.read(calibrations.get, lesson.id) == lesson.calibration
    again = await learn_stored(database, road(), now=EVENING + 7_200.0)
    assert again == Lesson(None, None)
    assert await database.read(calibrations.in_force) == lesson.id


async def test_what_is_older_than_a_day_teaches_nothing(database: Database) -> None:
    await database.write(live_through)
    assert await learn_stored(database, road(), now=EVENING + LONGEST_S) == Lesson(None, None)


async def test_what_another_program_put_in_force_meanwhile_stays(database: Database) -> None:
    await database.write(live_through)
    async with asyncio.TaskGroup() as tasks:
        learning = tasks.create_task(
            learn_stored(database, road(), now=MORNING + 400.0), name="learning"
        )
        await asyncio.sleep(0)  # it has begun, and asks what is in force
        for _ in range(10):
            await database.read(calibrations.in_force)  # asked later, so it has its answer
        await database.write(calibrations.add, Calibration(at=1.0), upon=None, at=2.0)
    lesson = learning.result()
    assert lesson.calibration is not None
    assert lesson.id is None
