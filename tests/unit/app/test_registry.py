"""What the hub knows of the tags is what the database says, also of another program's changes."""

from gateway.app.registry import Registry
from gateway.model import TagIdentifier
from gateway.store import people
from gateway.store.database import Connection, Database
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
