"""What is doubted is kept once in ten minutes."""

from gateway.model import Doubt, Suspicion
from gateway.store import suspicions
from gateway.store.database import Database

NOON = 1_800_000_000.0  # a whole ten minutes
COPIED = Suspicion(NOON + 5.0, "t-1", Doubt.TWO_PLACES, ("r-1", "r-9"))


async def test_a_suspicion_is_kept_with_its_receivers(database: Database) -> None:
    assert await database.write(suspicions.add, COPIED)
    found = await database.read(suspicions.between, "t-1", since=NOON, until=NOON + 9.0)
    assert found == (COPIED,)


async def test_ten_minutes_hold_one_of_a_tag_and_doubt(database: Database) -> None:
    assert await database.write(suspicions.add, COPIED)
    assert not await database.write(suspicions.add, COPIED)
    assert not await database.write(suspicions.add, COPIED._replace(at=NOON + 599.0))
    other = COPIED._replace(doubt=Doubt.CLOSED_SLOT)
    later = COPIED._replace(at=NOON + 600.0)
    assert await database.write(suspicions.add, other)
    assert await database.write(suspicions.add, later)
    assert await database.write(suspicions.add, COPIED._replace(tag="t-2"))
    found = await database.read(suspicions.between, "t-1", since=0.0, until=1e12)
    assert found == (COPIED, other, later)


async def test_only_the_time_that_was_asked_for_is_told(database: Database) -> None:
    for at in (NOON, NOON + 600.0, NOON + 1_200.0):
        await database.write(suspicions.add, COPIED._replace(at=at))
    found = await database.read(suspicions.between, "t-1", since=NOON + 600.0, until=NOON + 1_200.0)
    assert [one.at for one in found] == [NOON + 600.0]
