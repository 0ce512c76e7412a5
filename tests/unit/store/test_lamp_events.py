"""A fault begins once and ends once, however often and in whatever order that is told."""

from dataclasses import replace

from gateway.lamps import LampEvent, LampEventKind
from gateway.store import lamp_events
from gateway.store.database import Database
from gateway.store.lamp_events import StoredEvent, Work, WorkState

DARK = LampEvent("l-1", LampEventKind.LAMP_FAILURE, 100.0, {"active_power_w": 0.5})
ENDED = replace(DARK, end=160.0)


async def record(database: Database, *told: LampEvent) -> list[LampEvent]:
    return await database.write(lamp_events.record, told, at=200.0)


async def kept(database: Database) -> list[LampEvent]:
    return await database.read(lamp_events.overlapping, since=0.0, until=1e9)


async def test_it_begins_and_ends(database: Database) -> None:
    assert await record(database, DARK) == [DARK]
    assert await database.read(lamp_events.open_kinds) == {"l-1": (DARK.kind,)}
    assert await record(database, ENDED) == [ENDED]
    assert await database.read(lamp_events.open_kinds) == {}
    assert await kept(database) == [ENDED]


async def test_told_again_it_is_no_news(database: Database) -> None:
    await record(database, DARK, ENDED)
    assert await record(database, DARK, ENDED, DARK) == []
    assert await kept(database) == [ENDED]


async def test_an_end_alone_is_a_whole_fault(database: Database) -> None:
    assert await record(database, ENDED) == [ENDED]
    assert await kept(database) == [ENDED]


async def test_a_second_start_of_what_is_open_is_the_same_fault(database: Database) -> None:
    """An edge that lost its memory finds it again, and then ends it under its new start."""
    again = replace(DARK, start=130.0)
    await record(database, DARK)
    assert await record(database, again) == []
    assert await record(database, replace(again, end=160.0)) == [ENDED]
    assert await kept(database) == [ENDED]


async def test_a_clock_set_back_cannot_end_it_before_its_start(database: Database) -> None:
    await record(database, DARK)
    assert await record(database, replace(DARK, start=20.0, end=50.0)) == [replace(DARK, end=100.0)]


async def test_nor_does_one_end_before_its_start_of_which_nothing_was_known(
    database: Database,
) -> None:
    assert await record(database, replace(DARK, end=50.0)) == [replace(DARK, end=100.0)]


async def test_what_comes_back_is_another_fault(database: Database) -> None:
    again = replace(DARK, start=300.0)
    await record(database, DARK, ENDED, again)
    assert await kept(database) == [ENDED, again]


async def test_faults_are_found_by_time_lamp_and_whether_they_are_open(database: Database) -> None:
    other = replace(DARK, lamp="l-2", start=150.0)
    await record(database, DARK, ENDED, other)

    async def found(*, open_only: bool = False, lamp: str = "", since: float = 0.0) -> list[str]:
        latest = await database.read(
            lamp_events.latest, open_only=open_only, lamp=lamp, since=since, limit=9
        )
        return [one.event.lamp for one in latest]

    assert await found() == ["l-2", "l-1"]
    assert await found(open_only=True) == ["l-2"]
    assert await found(lamp="l-1") == ["l-1"]
    assert await found(since=120.0) == ["l-2"]
    assert len(await database.read(lamp_events.overlapping, since=161.0, until=149.0)) == 0
    assert len(await database.read(lamp_events.overlapping, since=120.0, until=149.0)) == 1
    assert len(await database.read(lamp_events.overlapping, since=161.0, until=300.0)) == 1


async def test_its_work_is_taken_step_by_step(database: Database) -> None:
    await record(database, DARK)
    (stored,) = await database.read(lamp_events.latest, limit=1)
    assert stored.work == Work(WorkState.OPEN, "", "", DARK.start, "")
    assert stored.history == ()
    taken = Work(WorkState.ASSIGNED, "ito", "", 210.0, "sato")
    done = Work(WorkState.DONE, "ito", "driver changed", 400.0, "ito")
    for step in (taken, done):
        assert await database.write(lamp_events.add_work, stored.id, step)
    assert not await database.write(lamp_events.add_work, stored.id, taken)
    assert not await database.write(lamp_events.add_work, 99, taken)
    found = await database.read(lamp_events.get, stored.id)
    assert found == StoredEvent(stored.id, DARK, done, (taken, done))
