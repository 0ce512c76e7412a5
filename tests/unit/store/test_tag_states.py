"""What a tag last said of itself."""

from gateway.store import tag_states
from gateway.store.database import Database
from gateway.store.tag_states import StoredState

FULL = StoredState("t-1", "battery_v", 3.1, 100.0, "r-1")
LOW = FULL._replace(value=2.5, at=200.0, receiver="r-2")
WARM = StoredState("t-1", "temperature_c", 21.5, 150.0, "r-1")


async def test_the_latest_value_of_each_name_is_kept(database: Database) -> None:
    await database.write(tag_states.record, [FULL, WARM, LOW])
    assert await database.read(tag_states.of, "t-1") == {"battery_v": LOW, "temperature_c": WARM}
    assert await database.read(tag_states.of, "t-2") == {}


async def test_what_comes_late_does_not_replace_what_is_newer(database: Database) -> None:
    await database.write(tag_states.record, [LOW])
    await database.write(tag_states.record, [FULL])
    assert await database.read(tag_states.of, "t-1") == {"battery_v": LOW}
