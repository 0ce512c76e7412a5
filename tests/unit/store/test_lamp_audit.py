"""Commands are remembered in order, with who gave them."""

from gateway.store import lamp_audit
from gateway.store.database import Connection, Database
from gateway.store.lamp_audit import Act


def add_all(connection: Connection, *acts: Act) -> None:
    for act in acts:
        lamp_audit.add(connection, act)


def act(at: float, action: str = "override") -> Act:
    return Act(at, "sato", "staff", action, "o-1", "30 %")


async def test_the_newest_acts_come_first(database: Database) -> None:
    await database.write(add_all, act(1.0), act(3.0), act(3.0, "end"), act(2.0))
    kept = await database.read(lamp_audit.latest, since=2.0, limit=10)
    assert kept == [act(3.0, "end"), act(3.0), act(2.0)]
    assert await database.read(lamp_audit.latest, since=0.0, limit=1) == [act(3.0, "end")]
