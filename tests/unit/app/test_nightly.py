"""Once a night, whatever became of the night before."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.app.nightly import Nights, learn_beside, next_night
from gateway.clock import EARLIEST_TRUE_TIME
from gateway.settings import CalibrationSettings, Settings
from gateway.store import calibrations
from gateway.store.database import Database
from tests.unit.app.nights import write_road
from tests.unit.app.town import NOW, HandClock, until

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@pytest.mark.parametrize(
    ("time_zone", "now", "night"),
    [
        ("Asia/Tokyo", "2027-01-15 17:59", "2027-01-15 18:00"),
        ("Asia/Tokyo", "2027-01-15 18:00", "2027-01-16 18:00"),
        ("Europe/Berlin", "2027-03-27 12:00", "2027-03-28 01:00"),
        ("Europe/Berlin", "2027-03-26 12:00", "2027-03-27 02:00"),
    ],
)
def test_the_night_is_by_the_clocks_of_the_place(time_zone: str, now: str, night: str) -> None:
    after, expected = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (now, night))
    found = next_night(after.timestamp(), hour=3, time_zone=time_zone)
    assert datetime.fromtimestamp(found, UTC) == expected


NEXT = next_night(NOW, hour=3, time_zone="Asia/Tokyo")


class Lessons:
    """Counts what it is asked for; `outcome` says how it goes."""

    def __init__(self, outcome: Callable[[], bool] = lambda: True) -> None:
        self.given = 0
        self.outcome = outcome

    async def give(self) -> bool:
        self.given += 1
        return self.outcome()


class Watched(HandClock):
    """Counts how often it is looked at."""

    looks = 0

    def utc(self) -> float:
        object.__setattr__(self, "looks", self.looks + 1)
        return super().utc()

    async def seen(self, now: float) -> None:
        """It is `now`, and that was seen twice."""
        object.__setattr__(self, "now", now)
        before = self.looks
        await until(lambda: self.looks > before + 4)


async def nights_at(
    lessons: Lessons, *times: float, settings: CalibrationSettings | None = None
) -> Nights:
    clock = Watched(NOW)
    nights = Nights(settings or CalibrationSettings(), clock, lessons.give)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(nights.run(), name="nights")
        for now in times:
            await clock.seen(now)
        task.cancel()
    return nights


async def test_a_lesson_is_taken_once_a_night() -> None:
    lessons = Lessons()
    await nights_at(lessons, NOW, NEXT - 1.0)
    assert lessons.given == 0
    await nights_at(lessons, NOW, NEXT + 1.0, NEXT + HOUR_S)
    assert lessons.given == 1
    await nights_at(lessons, NOW, NEXT + 1.0, NEXT + DAY_S + 1.0)
    assert lessons.given == 3


async def test_a_hub_that_starts_after_the_hour_waits_for_the_next_night() -> None:
    lessons = Lessons()
    await nights_at(lessons, NEXT + 60.0, NEXT + HOUR_S)
    assert lessons.given == 0


async def test_a_clock_that_is_set_right_is_no_night() -> None:
    lessons = Lessons()
    await nights_at(lessons, 1_000.0, EARLIEST_TRUE_TIME - 1.0, NOW, NOW - 60.0)
    assert lessons.given == 0


async def test_who_wants_no_nights_has_none() -> None:
    lessons = Lessons()
    nights = Nights(CalibrationSettings(nightly=False), HandClock(), lessons.give)
    async with asyncio.timeout(5):
        await nights.run()
    assert lessons.given == 0


def fails() -> bool:
    return False


def does_not_start() -> bool:
    raise OSError("Cannot allocate memory")


@pytest.mark.parametrize("outcome", [fails, does_not_start])
async def test_a_night_that_fails_is_told_and_the_next_one_comes(
    outcome: Callable[[], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    lessons = Lessons(outcome)
    nights = await nights_at(lessons, NOW, NEXT + 1.0, NEXT + DAY_S + 1.0)
    assert lessons.given == 2
    assert nights.counts == {"nights": 2, "nights_failed": 2}
    assert capsys.readouterr().out.count("the next night tries again") == 2


def settings(folder: Path) -> Settings:
    return Settings(site=write_road(folder), state_dir=folder / "state")


async def test_the_process_beside_works_on_the_hubs_database_by_the_hubs_settings(
    tmp_path: Path,
) -> None:
    known = settings(tmp_path)
    async with Database(known.state_path(known.hub.database)):
        assert await learn_beside(known)
    known.site.write_text("{}", encoding="utf-8")
    assert not await learn_beside(known)


def children() -> list[str]:
    """The processes that this one started and that still are, as Linux lists them."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    return [child for one in tasks.iterdir() for child in (one / "children").read_text().split()]


async def test_a_process_that_is_killed_is_a_night_that_failed(tmp_path: Path) -> None:
    known = settings(tmp_path)
    async with Database(known.state_path(known.hub.database)) as hub, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(learn_beside(known), name="beside")
        await until(lambda: len(children()) > 0)
        os.kill(int(children()[0]), signal.SIGKILL)
        assert not await task
        assert await hub.read(calibrations.in_force) is None


async def test_a_hub_that_stops_leaves_no_process_behind(tmp_path: Path) -> None:
    known = settings(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(learn_beside(known), name="beside")
        await until(lambda: len(children()) > 0)
        task.cancel()
    assert children() == []
