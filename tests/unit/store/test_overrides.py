"""An override until it is over, and what became of it at each lamp."""

import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.lamps import Authority, Outcome, OutcomeState, Override
from gateway.store import overrides
from gateway.store.database import Connection, Database
from gateway.store.overrides import ANSWER_WITHIN_S, GATEWAY_AWAY, StoredOverride

NOW = 1_000.0
ONE = Override(
    id="o-1",
    lamps=("l-1", "l-2"),
    level=30.0,
    authority=Authority.STAFF,
    made_at=NOW,
    start=NOW,
    expiration=NOW + 600,
    ramp_to_level_s=2.0,
)
WAITING, DONE, FAILED = OutcomeState.WAITING, OutcomeState.DONE, OutcomeState.FAILED


async def add(database: Database, *more: Override) -> None:
    for one in more:
        await database.write(overrides.add, one, reason="works", by="sato")


async def of(database: Database, now: float) -> StoredOverride:
    found = await database.read(overrides.get, "o-1", now=now)
    assert found is not None
    return found


async def test_it_is_kept_whole(database: Database) -> None:
    scene = replace(ONE, id="o-2", level=None, scene="search", blink=True, ramp_from_level_s=1.0)
    await add(database, ONE, scene)
    stored = await of(database, NOW)
    assert (stored.override, stored.reason, stored.by, stored.ended_at) == (
        ONE,
        "works",
        "sato",
        None,
    )
    assert await database.read(overrides.going_on, now=NOW) == [ONE, scene]
    assert await database.read(overrides.get, "o-3", now=NOW) is None


async def test_two_cannot_have_one_id(database: Database) -> None:
    await add(database, ONE)
    with pytest.raises(IntegrityError):
        await add(database, ONE)


async def test_a_lamp_without_an_answer_waits_and_then_its_gateway_is_away(
    database: Database,
) -> None:
    await add(database, ONE)
    soon = await of(database, NOW + ANSWER_WITHIN_S - 0.1)
    assert [one.state for one in soon.outcomes] == [WAITING, WAITING]
    late = await of(database, NOW + ANSWER_WITHIN_S)
    assert late.outcomes[1] == Outcome("o-1", "l-2", NOW + ANSWER_WITHIN_S, FAILED, GATEWAY_AWAY)


async def test_one_that_begins_later_waits_from_then_on(database: Database) -> None:
    await add(database, replace(ONE, start=NOW + 60))
    assert (await of(database, NOW + 62)).outcomes[0].state is WAITING
    assert (await of(database, NOW + 64)).outcomes[0].state is FAILED


async def test_the_latest_word_of_a_lamp_stands_also_after_it_was_given_up(
    database: Database,
) -> None:
    await add(database, ONE)
    failed = Outcome("o-1", "l-1", NOW + 2, FAILED, "no_answer")
    done = Outcome("o-1", "l-1", NOW + 40, DONE)
    assert await database.write(overrides.record, [failed]) == 1
    assert (await of(database, NOW + 3)).outcomes[0] == failed
    for again in ([done], [failed, done], [failed]):
        assert await database.write(overrides.record, again) == len(again)
        assert (await of(database, NOW + 50)).outcomes[0] == done


async def test_a_word_about_what_nobody_ordered_is_not_kept(database: Database) -> None:
    await add(database, ONE)
    strange = [Outcome("o-9", "l-1", NOW, DONE), Outcome("o-1", "l-9", NOW, DONE)]
    assert await database.write(overrides.record, strange) == 0
    assert {one.state for one in (await of(database, NOW)).outcomes} == {WAITING}


async def test_it_is_over_when_it_is_ended_or_expired(database: Database) -> None:
    await add(database, ONE, replace(ONE, id="o-2", made_at=NOW + 1))

    async def going_on(now: float) -> list[str]:
        return [one.id for one in await database.read(overrides.going_on, now=now)]

    assert await going_on(NOW + 5) == ["o-1", "o-2"]
    assert await database.write(overrides.end, "o-1", at=NOW + 5)
    assert not await database.write(overrides.end, "o-1", at=NOW + 6)
    assert not await database.write(overrides.end, "o-9", at=NOW + 6)
    assert (await of(database, NOW + 6)).ended_at == NOW + 5
    assert await going_on(NOW + 5) == ["o-2"]
    assert await going_on(NOW + 600) == []
    assert not await database.write(overrides.end, "o-2", at=NOW + 600)


async def test_the_newest_are_told_first_all_or_those_that_go_on(database: Database) -> None:
    other = replace(ONE, id="o-2", made_at=NOW + 1, lamps=("l-2",))
    await add(database, ONE, other)
    await database.write(overrides.end, "o-2", at=NOW + 2)

    async def latest(*, open_only: bool, limit: int = 9) -> list[str]:
        found = await database.read(overrides.latest, now=NOW + 3, open_only=open_only, limit=limit)
        return [one.override.id for one in found]

    assert await latest(open_only=False) == ["o-2", "o-1"]
    assert await latest(open_only=False, limit=1) == ["o-2"]
    assert await latest(open_only=True) == ["o-1"]
    of_lamp = await database.read(overrides.of_lamp, "l-1", now=NOW, limit=9)
    assert [one.override.id for one in of_lamp] == ["o-1"]


async def test_outcomes_of_any_number_are_taken_and_the_known_ones_kept(database: Database) -> None:
    """A query has room for so many values: 250,000 here, 32,766 elsewhere; the test's is small."""

    def told(connection: Connection) -> int:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 2_100)
        strange = [Outcome(f"o-x{number}", "l-1", NOW, DONE) for number in range(2_500)]
        return overrides.record(connection, [*strange, Outcome("o-1", "l-1", NOW, DONE)])

    await add(database, ONE)
    assert await database.write(told) == 1
    assert (await of(database, NOW)).outcomes[0].state is DONE


async def test_what_a_lamp_was_told_comes_with_what_became_of_it_there_alone(
    database: Database,
) -> None:
    await add(database, ONE)
    (one,) = await database.read(overrides.of_lamp, "l-2", now=NOW, limit=9)
    assert one.override.lamps == ("l-1", "l-2")
    assert [outcome.lamp for outcome in one.outcomes] == ["l-2"]
