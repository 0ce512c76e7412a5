"""A hub that does not know what time it is."""

import pytest

from gateway.app.hub_time import HubTime
from gateway.clock import AGAIN_S, Clock
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


async def test_a_gateway_that_knows_the_time_is_believed_when_it_says_so_again(
    database: Database, machine: FakeMachine
) -> None:
    time = await begun(database, Clock(machine=machine), stepped_to=NOW + HOUR_S)
    for synced in (False, True):
        time.note("gw-01", Status(online=True, synced=synced, at=machine.wall() + 2 * HOUR_S))
        machine.passes(AGAIN_S)
        time.note("gw-01", Status(online=True, synced=synced, at=machine.wall() + 2 * HOUR_S))
        assert taken(time) == (set(Lane) if synced else {Lane.URGENT})
