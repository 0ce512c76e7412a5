"""A hub that does not know what time it is."""

import pytest

from gateway.app.hub_time import HubTime
from gateway.clock import Clock
from gateway.link.envelope import Status
from gateway.model import Lane
from gateway.store import sightings
from gateway.store.database import Database
from tests.unit.app.town import SITE_ID
from tests.unit.test_clock import HOUR_S, NOW, FakeMachine


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


async def begun(database: Database, clock: Clock, *, stepped_to: float) -> HubTime:
    await database.write(sightings.set_stepped_to, SITE_ID, int(stepped_to))
    time = HubTime(clock)
    await time.begin(database, SITE_ID)
    return time


def taken(time: HubTime) -> set[Lane]:
    return {lane for lane in Lane if time.takes(lane)}


async def test_a_hub_that_knows_the_time_takes_everything(
    database: Database, machine: FakeMachine
) -> None:
    assert taken(await begun(database, Clock(machine=machine), stepped_to=NOW - 60)) == set(Lane)
    assert taken(HubTime(Clock(machine=machine))) == set(Lane)


async def test_a_hub_in_1970_takes_only_what_is_urgent_until_it_is_told(
    machine: FakeMachine,
) -> None:
    machine.wall_s = 100.0
    clock = Clock(machine=machine)
    time = HubTime(clock)
    assert taken(time) == {Lane.URGENT}
    assert time.counts["rows_before_time"] == 2
    machine.wall_s = NOW
    clock.look()
    assert taken(time) == set(Lane)


async def test_a_hub_behind_its_own_database_does_not_know_the_time(
    database: Database, machine: FakeMachine
) -> None:
    time = await begun(database, Clock(machine=machine), stepped_to=NOW + HOUR_S)
    assert taken(time) == {Lane.URGENT}


async def test_a_gateway_that_knows_the_time_and_reads_the_same_is_believed(
    database: Database, machine: FakeMachine
) -> None:
    """The database has steps of a clock that was ahead."""
    time = await begun(database, Clock(machine=machine), stepped_to=NOW + HOUR_S)
    time.note(Status(online=True, synced=False, at=NOW))
    time.note(Status(online=True, synced=True, at=NOW + HOUR_S))
    assert taken(time) == {Lane.URGENT}
    time.note(Status(online=True, synced=True, at=NOW - 1))
    assert taken(time) == set(Lane)
