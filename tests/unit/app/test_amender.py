"""Late windows change history, in the database and for the sink, and alert nobody."""

import asyncio
from itertools import pairwise

import pytest

from gateway.app.amender import LONGEST_WAIT_S, QUIET_S, STRETCH_S, Amender
from gateway.link.envelope import Kind
from gateway.model import Crossing, Position, Press, RoutePoint, Window
from gateway.store import alerts, outings
from gateway.store.errors import StoreError
from gateway.tags.pipeline import Pipeline
from gateway.tags.trails import REST_S
from tests.unit.app.town import (
    BUTTON,
    LATENESS_S,
    NOW,
    OUT,
    RECEIVERS,
    TAG,
    Street,
    fill_disk,
    free_disk,
    heard_at,
    street,
    to_school,
    until,
)

SECONDS = 75
WALK = to_school(NOW, SECONDS)
NEAR, FAR = RECEIVERS[:2], RECEIVERS[2:]


def part(window: Window, receivers: tuple[str, ...]) -> Window:
    """What some of the receivers heard."""
    heard = tuple(one for one in window.readings if one.receiver in receivers)
    return Window(window.second, receivers, heard)


def known_afterwards(town: Street, walk: list[Window]) -> dict[float, Position]:
    """Where a tracker finds the child that has every window from the beginning on."""
    pipeline = Pipeline(street(), town.registry.directory)
    found = [pipeline.step(window.second, [window]).positions for window in walk]
    return {one.at: one for positions in found for one in positions}


async def route(town: Street) -> list[RoutePoint]:
    """The final points of the child's way."""
    return await town.database.read(outings.between, TAG, since=0.0, until=1e12, limit=10_000)


async def quiet(town: Street) -> None:
    """Long enough for the amender."""
    await town.pass_to(town.clock.now + QUIET_S + 1)


async def half_late(town: Street, since: int = 0) -> None:
    """One half of the receivers tells in time, the other, from then on, when all is over."""
    await town.live(part(window, NEAR) for window in WALK)
    await town.receive(*(part(window, FAR) for window in WALK[since:]))


@pytest.mark.parametrize("since", [0, 30])
async def test_a_stretch_is_replaced_and_completed_as_if_all_had_come_in_time(
    town: Street, since: int
) -> None:
    await half_late(town, since)
    before = await town.stored()
    await quiet(town)
    assert await town.amender.amend()
    walk = [part(window, NEAR) for window in WALK[:since]] + WALK[since:]
    stored, known = await town.stored(), known_afterwards(town, walk)
    amended = [one for one in stored if NOW + since < one.at <= NOW + SECONDS]
    assert [one.lon for one in amended] == [known[one.at].lon for one in amended]
    assert {one.at for one in before} < {one.at for one in stored}
    assert len({one.at for one in stored}) == len(stored)
    assert [one for one in stored if one.at <= NOW + since] == [
        one for one in before if one.at <= NOW + since
    ]


async def test_the_way_is_amended_and_what_becomes_final_later_leaves_it(town: Street) -> None:
    await half_late(town)
    await quiet(town)
    assert await town.amender.amend()
    amended = await route(town)
    assert [one.at for one in amended] == [NOW + 1.0 + 5 * n for n in range(SECONDS // 5)]
    await town.pass_to(NOW + 2 * SECONDS + 60.0)  # the live trail is told to its end
    assert await route(town) == amended


async def test_a_hole_of_the_way_is_filled_by_late_windows(town: Street) -> None:
    hole = range(NOW + 15, NOW + 50)
    await town.live(
        Window(one.second, RECEIVERS, ()) if one.second in hole else one for one in WALK
    )
    await town.pass_to(NOW + SECONDS + 90.0)
    before = await route(town)
    assert not [one for one in before if NOW + 20 < one.at < NOW + 50]
    await town.receive(*(one for one in WALK if one.second in hole))
    await quiet(town)
    assert await town.amender.amend()
    after = await route(town)
    at = [NOW, *(one.at for one in after), NOW + SECONDS]
    assert max(later - one for one, later in pairwise(at)) <= REST_S
    assert [one for one in after if one.at in hole]
    only = await town.database.read(outings.of_tag, TAG, since=0.0, until=1e12)
    assert [(one.opened_at, one.heard_until) for one in only] == [(after[0].at, after[-1].at)]


async def test_the_sink_has_the_amended_positions_too(town: Street) -> None:
    await half_late(town)
    await quiet(town)
    assert await town.amender.amend()
    assert await town.at_the_sink() == {one.at: one for one in await town.stored()}


async def test_what_is_past_joins_the_history_and_alerts_nobody_but_an_sos_does(
    town: Street,
) -> None:
    await town.live(Window(NOW + k, RECEIVERS, ()) for k in range(SECONDS))
    await town.receive(*WALK)
    await quiet(town)
    assert await town.amender.amend()
    assert [one.event for one in await town.events()] == [Crossing.ENTER]
    assert len(await town.stored()) > SECONDS / 4
    assert await town.database.read(alerts.unended) == []
    await town.receive(Press(NOW + 3.0, "r-0", BUTTON.identifier, -60), kind=Kind.PRESS)
    assert [(alert.tag, alert.at) for alert in town.listeners.told] == [(TAG, NOW + 3.0)]


async def test_nothing_is_amended_twice(town: Street) -> None:
    await half_late(town)
    await quiet(town)
    assert await town.amender.amend()
    stored, queued = await town.stored(), await town.queued()
    assert not await town.amender.amend()
    assert (await town.stored(), await town.queued()) == (stored, queued)


async def test_it_waits_until_no_more_come(town: Street) -> None:
    await half_late(town)
    assert not await town.amender.amend()
    await quiet(town)
    assert await town.amender.amend()


async def test_late_windows_that_never_cease_are_amended_once_a_minute(town: Street) -> None:
    """A hole at the end of the stretch must not make it wait for ever."""
    later = [NOW + k for k in range(STRETCH_S + 100) if k != STRETCH_S - 1]
    await town.pass_to(NOW + STRETCH_S + 200.0)
    await town.pass_to(NOW + STRETCH_S + 201.0)
    await town.receive(*(heard_at(second, 40.0) for second in later))
    amended = []
    for k in range(round(LONGEST_WAIT_S) + 2):
        town.clock.now += 1.0
        await town.receive(heard_at(later[-1] + 1 + k, 40.0))
        amended.append(await town.amender.amend())
    assert amended.index(True) == LONGEST_WAIT_S


async def test_windows_that_come_during_an_amendment_are_amended_by_the_next(
    town: Street,
) -> None:
    late = [heard_at(NOW + k, 45.0, receivers=FAR) for k in range(20)]
    await town.live(Window(NOW + k, NEAR, ()) for k in range(SECONDS))
    await town.receive(*late)
    meanwhile = [heard_at(NOW + k, 45.0, receivers=NEAR) for k in range(20)]
    async with asyncio.TaskGroup() as tasks:

        def once_it_has_begun() -> float:
            tasks.create_task(town.receive(*meanwhile), name="more")
            return float("-inf")

        amender = Amender(
            site=street(),
            database=town.database,
            clock=town.clock,
            registry=town.registry,
            tuning=town.tuning,
            out=OUT,
            last_late_at=once_it_has_begun,
            executor=town.executor,
        )
        assert await amender.amend()
    await quiet(town)
    assert await town.amender.amend()
    everything = [heard_at(NOW + k, 45.0) for k in range(20)]
    known = known_afterwards(town, everything)
    stored = [one for one in await town.stored() if one.at <= NOW + 20]
    assert [one.n_heard for one in stored] == [known[one.at].n_heard for one in stored]
    assert not await town.amender.amend()


async def test_the_present_does_not_wait_for_the_past(town: Street) -> None:
    await half_late(town)
    await quiet(town)
    now = int(town.clock.now)
    await town.receive(heard_at(now, 50.0))
    town.clock.now = now + 1 + LATENESS_S
    async with asyncio.TaskGroup() as tasks:
        amending = tasks.create_task(town.amender.amend(), name="past")
        stepping = tasks.create_task(town.stepper.catch_up(), name="present")
        await asyncio.wait([amending, stepping], return_when=asyncio.FIRST_COMPLETED)
        assert stepping.done()
        assert not amending.done()


async def test_on_a_full_disk_nothing_is_amended_until_it_can_be(town: Street) -> None:
    await half_late(town)
    await quiet(town)
    before, queued = await town.stored(), await town.queued()
    await town.database.write(fill_disk)
    with pytest.raises(StoreError):
        await town.amender.amend()
    assert (await town.stored(), await town.queued()) == (before, queued)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(town.amender.run(), name="amender")
        await asyncio.sleep(0.01)
        await town.database.write(free_disk)
        await until(lambda: town.amender.counts["stretches"] > 0)
        running.cancel()
    assert len(await town.queued()) == len(queued) + 1
