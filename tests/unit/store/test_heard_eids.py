"""Whose a rotating identifier was is kept."""

from gateway.model import TagIdentifier
from gateway.store import heard_eids
from gateway.store.database import Database
from gateway.store.heard_eids import Bound


async def test_what_was_bound_stays_bound_whatever_is_said_later(database: Database) -> None:
    first = {"eid:1": Bound("t-1", 100.0), "eid:2": Bound("t-2", 200.0)}
    await database.write(heard_eids.add, first)
    await database.write(heard_eids.add, {"eid:1": Bound("t-9", 900.0)})
    assert await database.read(heard_eids.known) == first
    assert await database.read(heard_eids.identifiers) == (
        TagIdentifier("eid:1", "t-1", button=False),
        TagIdentifier("eid:2", "t-2", button=False),
    )
