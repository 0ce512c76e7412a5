"""Whose a rotating identifier was is kept."""

from gateway.model import TagIdentifier
from gateway.store import heard_eids, people
from gateway.store.database import Database
from gateway.store.heard_eids import Bound
from tests.unit.store.test_people import family


async def test_what_was_bound_stays_bound_whatever_is_said_later(database: Database) -> None:
    await database.write(family, "sato", carrier="c-1", tag="t-1")
    await database.write(family, "kato", carrier="c-2", tag="t-2")
    first = {"eid:1": Bound("t-1", 100.0), "eid:2": Bound("t-2", 200.0)}
    await database.write(heard_eids.add, first)
    await database.write(heard_eids.add, {"eid:1": Bound("t-9", 900.0)})
    assert await database.read(heard_eids.known) == first
    assert await database.read(heard_eids.identifiers) == (
        TagIdentifier("eid:1", "t-1", button=False),
        TagIdentifier("eid:2", "t-2", button=False),
    )
    await database.write(people.set_disabled, "t-2", 9.0)
    assert [one.tag for one in await database.read(heard_eids.identifiers)] == ["t-1"]
