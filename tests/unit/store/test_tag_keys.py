"""Keys, clocks and counters of tags, which go with their tag."""

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.model import CarrierKind, Trust
from gateway.store import people, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.tag_keys import Counter, SealedKeys, StoredClock

KEYS = SealedKeys("t-1", b"sealed identity", 10, 1_795_000_000.0, b"sealed bind")
BIND_ONLY = SealedKeys("t-2", bind_key=b"sealed")


def settle(connection: Connection) -> None:
    people.add_carrier(connection, people.Carrier("c-1", "A", CarrierKind.CHILD))
    for keys in (KEYS, BIND_ONLY):
        tag = people.Tag(keys.tag, "c-1", Trust.NATIVE, 0.0, "A's parent")
        people.add_tag(connection, tag, [])
        tag_keys.add(connection, keys)


async def test_keys_are_kept_once_a_tag(database: Database) -> None:
    await database.write(settle)
    assert await database.read(tag_keys.in_use) == (KEYS, BIND_ONLY)
    with pytest.raises(IntegrityError):
        await database.write(tag_keys.add, KEYS)


async def test_a_counter_is_remembered_and_can_begin_anew(database: Database) -> None:
    await database.write(settle)
    assert await database.read(tag_keys.counter, "t-1") is None
    await database.write(tag_keys.set_counter, "t-1", Counter(7, 5.0))
    assert await database.read(tag_keys.counter, "t-1") == Counter(7, 5.0)
    assert await database.read(tag_keys.counter, "t-2") is None
    await database.write(tag_keys.set_counter, "t-1", None)
    assert await database.read(tag_keys.counter, "t-1") is None


async def test_clocks_are_replaced_and_those_of_no_tag_left_out(database: Database) -> None:
    await database.write(settle)
    known = StoredClock("t-1", -2.0, 3.0, 100.0, 1_024)
    nobody = known._replace(tag="t-9")
    await database.write(tag_keys.set_clocks, [known, nobody])
    later = known._replace(ahead_lo_s=-1.0, at=200.0)
    await database.write(tag_keys.set_clocks, [later])
    assert await database.read(tag_keys.clocks) == (later,)
