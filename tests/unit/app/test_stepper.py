"""Once a second: windows become positions, events and rows, each exactly once, whatever happens."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pytest
from sqlalchemy import Connection

from gateway.app.stepper import CATCH_UP_S, REPLAY_S
from gateway.clock import ClockSetting
from gateway.link.envelope import Kind
from gateway.model import AlertKind, Crossing, Doubt, Lane, Position, Presence, Reading, Window
from gateway.store import alerts, calibrations, positions, sightings, suspicions
from gateway.store.database import Database, StoreError
from gateway.tags.calibration import Calibration
from tests.unit.app.town import (
    LATENESS_S,
    NOW,
    RECEIVERS,
    SENT,
    SITE_ID,
    TAG,
    HandClock,
    Street,
    fill_disk,
    free_disk,
    heard_at,
    open_street,
    to_school,
    until,
)

P = ParamSpec("P")
T = TypeVar("T")
SECONDS = 90
WALK = to_school(NOW, SECONDS)


async def stepped_to(town: Street) -> int | None:
    return await town.database.read(sightings.stepped_to, SITE_ID)


async def late_seconds(town: Street) -> dict[int, bool]:
    stored = await town.database.read(sightings.windows_between, 0, 2**40)
    return {one.second: one.late for one in stored}


async def test_a_step_writes_positions_events_the_cursor_and_rows_for_the_sink(
    town: Street,
) -> None:
    await town.live(WALK)
    stored = await town.stored()
    assert stored[0].at == NOW + 1
    assert stored[-1].presence is Presence.TRACKED
    assert [(one.zone, one.event) for one in await town.events()] == [("school", Crossing.ENTER)]
    assert await stepped_to(town) == NOW + SECONDS
    assert list((await town.at_the_sink()).values()) == stored


async def test_those_who_watch_are_told_what_was_committed(town: Street) -> None:
    await town.live(WALK)
    assert town.listeners.heard == await town.stored()
    (alert,) = town.listeners.told
    assert (alert.kind, alert.zone) == (AlertKind.ZONE_ENTER, "school")
    assert await town.database.read(alerts.unended) == [alert]
    (row,) = await town.queued(Lane.URGENT)
    assert row.kind == Kind.ALERTS


async def test_a_second_waits_for_its_last_window_and_is_late_after_that(town: Street) -> None:
    town.clock.now = NOW + 1 + LATENESS_S - 0.1
    await town.stepper.catch_up()
    await town.receive(heard_at(NOW, 10.0))
    await town.pass_to(NOW + 1 + LATENESS_S)
    await town.receive(heard_at(NOW, 10.0, receivers=["r-1"]), heard_at(NOW + 1, 10.0))
    stored = await town.database.read(sightings.windows_between, 0, 2**40)
    assert [(one.second - NOW, one.late) for one in stored] == [(0, False), (0, True), (1, False)]
    assert len(await town.stored()) == 1


@pytest.mark.parametrize("restart_after", [50, 58, 59, 70])
async def test_a_restart_repeats_nothing_and_goes_on(town: Street, restart_after: int) -> None:
    await town.live(WALK[:restart_after])
    before, told = await town.stored(), town.listeners.told
    again = await town.restarted()
    assert (again.listeners.heard, again.listeners.told) == ([], [])
    assert await again.stored() == before
    await again.live(WALK[restart_after:])
    since = before[-1].at
    after = [one for one in await again.stored() if one.at > since]
    assert again.listeners.heard == after
    assert len(after) > (SECONDS - restart_after) / 4
    assert len(told + again.listeners.told) == 1
    assert len(await again.events()) == 1


async def test_what_was_received_and_not_stepped_before_a_restart_is_stepped_after_it_once(
    town: Street,
) -> None:
    await town.live(WALK[:40])
    town.clock.now = NOW + 70.0
    await town.receive(*WALK[40:70])
    again = await town.restarted()
    await again.pass_to(NOW + 70 + LATENESS_S)
    assert again.stepper.counts["steps"] == REPLAY_S + 30
    assert not any((await late_seconds(again)).values())
    assert [alert.kind for alert in again.listeners.told] == [AlertKind.ZONE_ENTER]
    times = [one.at for one in again.listeners.heard]
    assert times[0] > NOW + 40
    assert len(set(times)) == len(times)


async def test_what_came_before_the_very_first_step_is_found_after_a_restart(
    town: Street,
) -> None:
    town.clock.now = NOW + 25.0
    await town.receive(*WALK[:20])
    again = await town.restarted()
    await again.pass_to(NOW + 30.0)
    (first, *_) = await again.stored()
    assert first.at == NOW + 1


async def test_a_long_pause_is_passed_over_and_the_present_is_not_stepped_too_early(
    town: Street,
) -> None:
    await town.live(WALK[:20])
    steps = town.stepper.counts["steps"]
    later = NOW + 3 * 3_600
    await town.pass_to(later + 1 + LATENESS_S)
    assert town.stepper.counts["steps"] == steps
    await town.receive(heard_at(later + 1, 50.0))
    assert (await late_seconds(town))[later + 1] is False
    await town.pass_to(later + 2 + LATENESS_S)
    assert (await town.stored())[-1].at == later + 2


async def test_seconds_too_old_for_news_are_late_and_nobody_is_alerted_of_them(
    town: Street,
) -> None:
    await town.live(WALK[:5])
    town.clock.now = NOW + 3_600.0
    await town.receive(*WALK[5:], heard_at(NOW + 3_590, 20.0))
    await town.pass_to(NOW + 3_600 + LATENESS_S)
    late = await late_seconds(town)
    assert {second for second, is_late in late.items() if is_late} == {
        window.second for window in WALK[5:]
    }
    assert town.listeners.told == []
    assert town.stepper.counts["passed_over"] > 3_600 - 5 - CATCH_UP_S


async def test_a_hub_that_was_away_for_a_minute_alerts_of_what_happened_meanwhile(
    town: Street,
) -> None:
    await town.live(WALK[:20])
    again = await town.restarted()
    again.clock.now = NOW + 95.0
    await again.receive(*WALK[20:])
    await again.pass_to(NOW + 95.0)
    assert [alert.kind for alert in again.listeners.told] == [AlertKind.ZONE_ENTER]


async def test_a_receiver_that_the_site_does_not_know_is_counted_and_told_of_once(
    town: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Reading("r-nowhere", SENT.identifier, -60.0, -60, 1)
    await town.live(replace(one, readings=(*one.readings, stranger)) for one in WALK[:5])
    assert town.stepper.counts["unknown_receivers"] == 5
    assert capsys.readouterr().out.count("r-nowhere") == 1


async def test_a_clock_that_was_set_back_does_not_stop_the_site(town: Street) -> None:
    await town.live(to_school(NOW + 3_600, 10))
    await town.pass_to(NOW + 5.0)
    await town.live(to_school(NOW + 10, 10))
    assert [one.at for one in town.listeners.heard if one.at < NOW + 3_600][-1] > NOW + 15
    assert await stepped_to(town) == NOW + 20


class SetClock(HandClock):
    """A clock that was set by so much since it began, and maybe a time server vouches for it."""

    def __init__(self, *, vouches: bool) -> None:
        super().__init__()
        self.set_by_s = 0.0
        self.vouches = vouches

    def vouched(self) -> bool:
        return self.vouches

    @property
    def setting(self) -> ClockSetting:
        return ClockSetting("b-1", self.set_by_s)


async def test_a_clock_that_was_ahead_leaves_nothing_in_a_time_to_come(database: Database) -> None:
    """What it heard then is moved to when it was, and amends history; whoever looks sees now."""
    clock = SetClock(vouches=True)
    async with open_street(database, clock) as town:
        await town.live([heard_at(NOW, 20.0)])
        clock.set_by_s = 3_600.0
        await town.pass_to(NOW + 3_602.0)
        await town.live(to_school(NOW + 3_602, SECONDS))
        clock.set_by_s = 0.0
        await town.pass_to(NOW + 100.0)
        assert [one.at for one in await town.stored()] == [NOW + 1]
        assert await town.events() == []
        stored = await town.database.read(sightings.windows_between, 0, 2**40)
        assert [one.second for one in stored] == [NOW, *range(NOW + 2, NOW + 2 + SECONDS)]
        assert [(one.late, one.skew_s) for one in stored[1:]] == [(True, 3_600.0)] * SECONDS
        await town.live([heard_at(NOW + 101 + s, 20.0) for s in range(70)])
        newest = await town.database.read(positions.latest, TAG, now=clock.now)
        assert newest is not None
        assert NOW + 110 < newest.at <= NOW + 172  # of who stands still, one a minute
        while await town.amender.amend():
            clock.now += 10.0
        amended = [one.at for one in await town.stored() if NOW + 2 < one.at <= NOW + 92]
        assert len(amended) > SECONDS / 5
        assert "school" in {one.zone for one in await town.events()}


@pytest.mark.parametrize("vouches", [True, False])
async def test_a_clock_that_was_set_back_wrongly_and_forth_again_takes_nothing_away(
    database: Database, *, vouches: bool
) -> None:
    """Of two times the later may be the right one."""
    clock = SetClock(vouches=False)
    async with open_street(database, clock) as town:
        await town.live(to_school(NOW, 10))
        before = {one.at for one in await town.stored()}
        clock.set_by_s = -3_600.0
        await town.pass_to(NOW + 10 - 3_600.0)
        clock.vouches = vouches
        clock.set_by_s = 0.0
        await town.pass_to(NOW + 20.0)
        stored = await town.database.read(sightings.windows_between, 0, 2**40)
        assert [one.second for one in stored] == list(range(NOW, NOW + 10))
        assert before
        assert before <= {one.at for one in await town.stored()}


async def test_a_clock_that_was_set_back_by_a_moment_repeats_no_second(town: Street) -> None:
    await town.live(WALK[:10])
    steps = town.stepper.counts["steps"]
    await town.pass_to(NOW - 20.0)
    assert town.stepper.counts["steps"] == steps
    await town.live(WALK[10:20])
    assert town.stepper.counts["steps"] == steps + 10


async def undisturbed(folder: Path) -> list[Position]:
    async with Database(folder / "other.sqlite") as other, open_street(other, HandClock()) as town:
        town.clock.now = NOW + SECONDS
        await town.receive(*WALK)
        await town.pass_to(NOW + SECONDS + LATENESS_S)
        return await town.stored()


async def test_on_a_full_disk_the_same_step_waits_and_is_written_once(
    town: Street, tmp_path: Path
) -> None:
    town.clock.now = NOW + SECONDS + LATENESS_S
    await town.receive(*WALK)
    await town.database.write(fill_disk)
    async with asyncio.TaskGroup() as tasks:
        stepping = tasks.create_task(town.stepper.catch_up(), name="steps")
        await until(lambda: town.stepper.counts["write_failed"] >= 3)
        assert not stepping.done()
        beats = town.beats
        await until(lambda: town.beats > beats)  # it lives, and says so
        await town.database.write(free_disk)
    assert await town.stored() == await undisturbed(tmp_path)
    assert town.listeners.heard == await town.stored()
    assert list((await town.at_the_sink()).values()) == await town.stored()
    assert len(town.listeners.told) == 1


class FailsFirst(Database):
    """Where `fails`, undoes each write before it lets it be: a disk that is full at the commit."""

    fails = False
    _undoes = False

    async def write(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`call`, at the second try."""

        def undone(connection: Connection) -> T:
            call(connection, *args, **kwargs)
            raise StoreError("the disk is full")

        self._undoes = self.fails and not self._undoes
        if self._undoes:
            return await super().write(undone)
        return await super().write(call, *args, **kwargs)


async def test_a_transaction_that_fails_is_repeated_with_all_that_it_did(tmp_path: Path) -> None:
    async with (
        FailsFirst(tmp_path / "hub.sqlite") as database,
        open_street(database, HandClock()) as town,
    ):
        await town.live(WALK[:5])
        await town.receive(*WALK[5:10])
        town.clock.now = NOW + 7_200.0
        await town.receive(heard_at(NOW + 7_200, 20.0))
        database.fails = True
        await town.pass_to(NOW + 7_201 + LATENESS_S)
        assert town.stepper.counts["write_failed"] == 3
        late = await late_seconds(town)
        assert [second - NOW for second, is_late in late.items() if is_late] == [5, 6, 7, 8, 9]
        assert [one.at for one in town.listeners.heard][-1] == NOW + 7_201


async def test_a_tag_registered_while_the_hub_runs_is_followed_from_then_on(
    database: Database,
) -> None:
    async with open_street(database, HandClock()) as town:
        known = town.registry.directory
        town.registry.directory = type(known)(())
        await town.live(WALK[:5])
        assert await town.stored() == []
        town.registry.directory = known
        await town.live(WALK[5:10])
        (first, *_) = await town.stored()
        assert first.at == NOW + 6


async def test_before_the_first_step_it_waits_for_what_the_edges_kept(town: Street) -> None:
    town.clock.now = NOW + 20.0
    town.clock.rate = 1e-6  # a second is very long
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(town.stepper.run(), name="steps")
        await asyncio.sleep(0.02)
        await town.receive(*WALK[:10])
        assert await stepped_to(town) == NOW - 2
        running.cancel()
    assert not any((await late_seconds(town)).values())


async def test_it_runs_by_the_clock_and_beats(town: Street) -> None:
    await town.receive(*WALK[:10])
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(town.stepper.run(), name="steps")
        town.clock.now = NOW + 5.0
        await until(lambda: town.stepper.counts["steps"] == REPLAY_S + 5)
        town.clock.now = NOW + 12.0
        await until(lambda: town.stepper.counts["steps"] == REPLAY_S + 12)
        running.cancel()
    assert town.beats >= 12
    assert await stepped_to(town) in {NOW + 9, NOW + 10}


async def test_windows_of_one_second_are_stepped_together(town: Street) -> None:
    one, other = heard_at(NOW, 45.0, receivers=["r-1"]), heard_at(NOW, 45.0, receivers=["r-2"])
    assert isinstance(one, Window)
    await town.receive(one, other)
    await town.pass_to(NOW + 1 + LATENESS_S)
    (found,) = await town.stored()
    assert found.n_heard == 2


WITHOUT_ONE = Calibration(at=NOW, left_out=("r-3",))


async def put_in_force(town: Street, calibration: Calibration) -> None:
    upon = await town.database.read(calibrations.in_force)
    await town.database.write(calibrations.add, calibration, upon=upon, at=town.clock.now)
    assert await town.tuning.refresh()


def found_by(town: Street, walk: list[Window]) -> dict[float, Position]:
    """What a tracker by the calibration in force says of the whole `walk`."""
    pipeline = town.tuning.pipeline(town.registry.directory)
    found = [pipeline.step(window.second, [window]).positions for window in walk]
    return {one.at: one for positions in found for one in positions}


async def test_what_comes_into_force_is_gone_on_by_as_if_it_had_been_so_for_a_minute(
    town: Street,
) -> None:
    usual = found_by(town, WALK)
    await town.live(WALK[:50])
    before = await town.stored()
    await put_in_force(town, WITHOUT_ONE)
    await town.stepper.retune()
    assert await town.stored() == before
    await town.live(WALK[50:])
    known = found_by(town, WALK)
    after = [one for one in await town.stored() if one.at > NOW + 50]
    assert after == [known[one.at] for one in after]
    assert all(one.n_heard < usual[one.at].n_heard for one in after)


async def test_who_is_inside_a_zone_does_not_come_in_again_by_another_calibration(
    town: Street,
) -> None:
    await town.live(WALK)
    assert len(await town.events()) == 1
    await put_in_force(town, Calibration(at=NOW))
    await town.stepper.retune()
    await town.live(heard_at(NOW + SECONDS + s, 115.0) for s in range(20))
    assert len(await town.events()) == 1
    assert len(town.listeners.told) == 1


async def test_steps_go_on_while_another_tracker_is_made_ready(town: Street) -> None:
    usual = found_by(town, WALK)[NOW + SECONDS].n_heard
    await town.live(WALK[:50])
    steps = town.stepper.counts["steps"]
    await put_in_force(town, WITHOUT_ONE)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(town.stepper.retune(), name="retune")
        await town.live(WALK[50:])
    await town.live(heard_at(NOW + SECONDS + s, 115.0) for s in range(5))
    assert town.stepper.counts["steps"] - steps == SECONDS - 50 + 5
    assert (await town.stored())[-1].n_heard == usual - 1
    times = [one.at for one in town.listeners.heard]
    assert len(set(times)) == len(times)


async def test_a_hub_that_starts_goes_on_by_what_is_in_force(town: Street) -> None:
    usual = found_by(town, WALK)
    await town.live(WALK[:50])
    await put_in_force(town, WITHOUT_ONE)
    again = await town.restarted()
    await again.live(WALK[50:])
    assert all(one.n_heard < usual[one.at].n_heard for one in again.listeners.heard)


async def test_a_copied_tag_is_flagged_and_told_to_staff_with_the_step(town: Street) -> None:
    def copied(window: Window) -> Window:
        ends = (RECEIVERS[0], RECEIVERS[-1])
        both = tuple(Reading(one, SENT.identifier, -35.0, -35, 3) for one in ends)
        return replace(window, readings=both)

    await town.live([copied(window) for window in WALK[:5]])
    (kept,) = await town.database.read(suspicions.between, SENT.tag, since=NOW, until=NOW + 60.0)
    assert (kept.doubt, kept.receivers) == (Doubt.TWO_PLACES, (RECEIVERS[0], RECEIVERS[-1]))
    assert town.listeners.doubted == [kept]
    (alert,) = [one for one in town.listeners.told if one.kind is AlertKind.TAG_SUSPECT]
    assert (alert.tag, alert.suspect, alert.receiver) == (SENT.tag, "two_places", "")


async def test_no_step_is_taken_before_the_time_is_known(database: Database) -> None:
    """By a clock in 1970 everything that is stored would be late, and tracked again."""
    async with open_street(database, HandClock(100.0)) as town, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(town.stepper.run(), name="steps")
        await until(lambda: town.beats > 3)
        assert town.stepper.counts["steps"] == REPLAY_S
        town.clock.now = NOW
        await town.receive(*WALK[:10])
        town.clock.now = NOW + 12.0
        await until(lambda: town.stepper.counts["steps"] == REPLAY_S + 10)
        running.cancel()
        assert (await town.stored())[0].at == NOW + 1
        assert not any((await late_seconds(town)).values())
