"""What is set for lamps; what they said is in test_lamp_readings.py."""

from gateway.store import lamps
from gateway.store.database import Database
from gateway.store.lamps import LampSettings


async def test_a_lamps_settings_are_its_own(database: Database) -> None:
    own = LampSettings("school", {"temperature_c": 70.0})
    await database.write(lamps.set_settings, "l-1", LampSettings("street"))
    await database.write(lamps.set_settings, "l-1", own)
    assert await database.read(lamps.settings) == {"l-1": own}


async def test_assigning_a_calendar_leaves_the_limits(database: Database) -> None:
    await database.write(lamps.set_settings, "l-1", LampSettings("street", {"temperature_c": 70.0}))
    await database.write(lamps.assign, ["l-1", "l-2"], "school")
    assert await database.read(lamps.settings) == {
        "l-1": LampSettings("school", {"temperature_c": 70.0}),
        "l-2": LampSettings("school"),
    }


async def test_every_change_grows_the_number_of_changes(database: Database) -> None:
    assert await database.read(lamps.changes) == 0
    await database.write(lamps.assign, ["l-1", "l-2"], "school")
    await database.write(lamps.set_settings, "l-1", LampSettings())
    assert await database.read(lamps.changes) == 2


async def test_a_lamp_that_never_spoke_has_no_state_and_no_history(database: Database) -> None:
    assert await database.read(lamps.states) == {}
    assert await database.read(lamps.state, "l-1") is None
    assert await database.read(lamps.history, "l-1", since=0.0, until=1e9) == []
