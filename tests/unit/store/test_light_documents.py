"""Every version of a program stays; the newest holds, and a deletion is a version."""

from gateway.store import light_documents
from gateway.store.database import Connection, Database
from gateway.store.light_documents import DocumentKind, Stored

PROGRAM, CALENDAR = DocumentKind.PROGRAM, DocumentKind.CALENDAR


def put(connection: Connection, name: str, body: bytes, at: float = 1.0) -> int:
    return light_documents.put(connection, PROGRAM, name, body, at=at, by="sato")


async def test_the_newest_version_holds_and_the_others_can_be_read(database: Database) -> None:
    assert await database.write(put, "evening", b"1", at=5.0) == 1
    assert await database.write(put, "evening", b"2", at=6.0) == 2
    newest = Stored(PROGRAM, "evening", 2, b"2", 6.0, "sato")
    assert await database.read(light_documents.get, PROGRAM, "evening") == newest
    assert await database.read(light_documents.newest, PROGRAM) == [newest]
    first = await database.read(light_documents.get, PROGRAM, "evening", version=1)
    assert first == Stored(PROGRAM, "evening", 1, b"1", 5.0, "sato")
    assert await database.read(light_documents.versions, PROGRAM, "evening") == [newest, first]
    assert await database.read(light_documents.get, PROGRAM, "evening", version=3) is None


async def test_saying_the_same_again_is_no_new_version(database: Database) -> None:
    await database.write(put, "evening", b"1")
    before = await database.read(light_documents.changes)
    assert await database.write(put, "evening", b"1", at=9.0) == 1
    assert await database.read(light_documents.changes) == before


async def test_a_deleted_one_is_gone_until_it_is_put_again(database: Database) -> None:
    await database.write(put, "evening", b"1")
    await database.write(put, "morning", b"1")
    delete = light_documents.delete
    assert await database.write(delete, PROGRAM, "evening", at=2.0, by="sato")
    assert not await database.write(delete, PROGRAM, "evening", at=3.0, by="sato")
    assert await database.read(light_documents.get, PROGRAM, "evening") is None
    assert [one.id for one in await database.read(light_documents.newest, PROGRAM)] == ["morning"]
    assert await database.write(put, "evening", b"1") == 3
    versions = await database.read(light_documents.versions, PROGRAM, "evening")
    assert [(one.version, one.body) for one in versions] == [(3, b"1"), (2, b""), (1, b"1")]


async def test_a_calendar_and_a_program_of_one_name_are_two(database: Database) -> None:
    await database.write(put, "street", b"1")
    assert await database.read(light_documents.get, CALENDAR, "street") is None
    assert await database.read(light_documents.newest, CALENDAR) == []


async def test_every_change_grows_the_number_of_changes(database: Database) -> None:
    assert await database.read(light_documents.changes) == 0
    await database.write(put, "evening", b"1")
    await database.write(light_documents.delete, PROGRAM, "evening", at=2.0, by="sato")
    assert await database.read(light_documents.changes) == 2


async def test_a_new_hub_begins_with_some_and_never_again(database: Database) -> None:
    begin_with = light_documents.begin_with
    await database.write(begin_with, PROGRAM, {"dusk": b"1", "all night": b"2"}, at=1.0)
    await database.write(light_documents.delete, PROGRAM, "dusk", at=2.0, by="sato")
    await database.write(begin_with, PROGRAM, {"dusk": b"1"}, at=3.0)
    kept = await database.read(light_documents.newest, PROGRAM)
    assert [(one.id, one.body, one.by) for one in kept] == [("all night", b"2", "")]
    await database.write(begin_with, CALENDAR, {"street": b"3"}, at=3.0)
    assert len(await database.read(light_documents.newest, CALENDAR)) == 1
