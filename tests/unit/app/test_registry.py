"""What the hub knows of the tags is what the database says, also of another program's changes."""

import pytest

from gateway.app.registry import Registry
from gateway.model import TagIdentifier
from gateway.sealing import SealingKey
from gateway.store import heard_eids, people
from gateway.store.database import Connection, Database
from gateway.store.heard_eids import Bound
from tests.unit.app.tag_pieces import KEY, NativeTag, add_tags
from tests.unit.app.town import BUTTON, SENT, add_child


def add_identifier(connection: Connection, known: TagIdentifier) -> None:
    people.add_carrier(connection, people.Carrier("c-9", "B", people.CarrierKind.CHILD))
    tag = people.Tag(known.tag, "c-9", people.Trust.LOW, 0.0, "B's parent")
    people.add_tag(connection, tag, [known])


async def test_it_is_empty_until_it_is_read(database: Database) -> None:
    await database.write(add_child)
    registry = Registry(database)
    assert registry.directory.find(SENT.identifier) is None
    assert await registry.refresh()
    assert registry.directory.find(SENT.identifier) == SENT
    assert list(registry.buttons) == [BUTTON.identifier]


async def test_it_changes_only_where_the_database_did(database: Database) -> None:
    await database.write(add_child)
    registry = Registry(database)
    await registry.refresh()
    directory = registry.directory
    assert not await registry.refresh()
    assert registry.directory is directory


async def test_a_tag_that_another_program_adds_is_taken_up(database: Database) -> None:
    registry = Registry(database)
    await registry.refresh()
    before = registry.directory
    new = TagIdentifier("ibeacon:x:1:9", "t-9", button=False)
    async with Database(database.path, owner=False) as guest:
        await guest.write(add_identifier, new)
    assert await registry.refresh()
    assert registry.directory.find(new.identifier) == new
    assert before.find(new.identifier) is None  # a step that is under way keeps what it has


async def test_the_edges_look_at_what_begins_as_registered_identifiers_do(
    database: Database,
) -> None:
    uuid = "00112233-4455-6677-8899-aabbccddeeff"
    sent = (
        *(f"ibeacon:{uuid}:1:1", f"ibeacon:{uuid}:1:2"),
        *("uid:00112233445566778899:aabbccddeeff", "alt:" + "1" * 40),
        "bthome:aa:bb:cc:dd:ee:ff",
    )

    def add(connection: Connection) -> None:
        people.add_carrier(connection, people.Carrier("c-9", "B", people.CarrierKind.CHILD))
        tag = people.Tag("t-9", "c-9", people.Trust.LOW, 0.0, "B's parent")
        own = [TagIdentifier(one, "t-9", button=False) for one in sent]
        people.add_tag(connection, tag, own)

    await database.write(add)
    registry = Registry(database)
    await registry.refresh()
    assert registry.allow == (
        "alt:" + "1" * 32,
        "bthome:aa:bb:cc:dd:ee:ff",
        f"ibeacon:{uuid}",
        "uid:00112233445566778899",
    )


async def test_keys_are_opened_and_a_tag_that_is_disabled_is_nobodys(database: Database) -> None:
    tag = NativeTag(7)
    await database.write(add_tags, [tag, NativeTag(8)])
    registry = Registry(database, KEY)
    assert await registry.refresh()
    assert registry.identities[tag.id] == tag.keys
    assert registry.bind_of[tag.id] == tag.keys.bind_key
    assert registry.locked == 0
    assert not await registry.refresh()
    await database.write(people.set_disabled, tag.id, 1.0)
    assert await registry.refresh()
    assert set(registry.identities) == set(registry.bind_of) == {"t-8"}


@pytest.mark.parametrize("key", [None, SealingKey(b"x" * 32)])
async def test_without_the_hubs_key_the_others_are_known_and_edges_go_on_listening(
    database: Database, key: SealingKey | None
) -> None:
    await database.write(add_child)
    await database.write(add_tags, [NativeTag(7)])
    registry = Registry(database, key)
    assert await registry.refresh()
    assert registry.directory.find(SENT.identifier) == SENT
    assert (registry.locked, len(registry.identities), len(registry.bind_of)) == (1, 0, 0)
    assert registry.allow == ("bthome", "eid", "ibeacon:x")


async def test_what_was_heard_is_known_after_a_restart_until_no_window_holds_it(
    database: Database,
) -> None:
    await database.write(add_tags, [NativeTag(7)])
    first = Registry(database, KEY)
    await first.refresh()
    bound = {"eid:01": Bound("t-7", 100.0), "eid:02": Bound("t-7", 200.0)}
    await database.write(heard_eids.add, bound)
    first.bind(bound)
    again = Registry(database, KEY)
    await again.refresh()
    for registry in (first, again):
        assert registry.directory.find("eid:01") == TagIdentifier("eid:01", "t-7", button=False)
        registry.forget_before(150.0)
        assert registry.directory.find("eid:01") is None
        assert registry.bound("eid:02") == bound["eid:02"]


async def test_a_registry_shows_no_key(database: Database) -> None:
    tag = NativeTag(7)
    await database.write(add_tags, [tag])
    registry = Registry(database, KEY)
    await registry.refresh()
    shown = f"{registry.binds!r} {registry.identities!r}"
    assert repr(tag.keys.bind_key) not in shown
    assert repr(tag.keys.identity_key) not in shown
