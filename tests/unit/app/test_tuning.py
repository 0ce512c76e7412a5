"""The calibration in force, in the hub's memory, whoever put it in force."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.alerts.happenings import Happening, ReceiversJudged
from gateway.app.tuning import ALERTS, Tuning
from gateway.model import AlertKind
from gateway.store import calibrations
from gateway.store.database import Connection, Database, StoreError
from gateway.tags.calibration import Calibration
from gateway.tags.health import Fault, Verdict
from gateway.tags.identity import Directory
from tests.unit.app.town import NOW, RECEIVERS, SENT, HandClock, heard_at, street, until

FOUND = Calibration(
    at=NOW,
    left_out=("r-0",),
    verdicts=(
        Verdict("r-0", Fault.DEAD, 20.0),
        Verdict("r-9", Fault.DEAF, 20.0),
        Verdict("r-1", Fault.SWAPPED, 30.0, other="r-2", place=(1.0, 2.0)),
    ),
)
DIRECTORY = Directory([SENT])


async def put_in_force(database: Database, calibration: Calibration) -> None:
    upon = await database.read(calibrations.in_force)
    assert await database.write(calibrations.add, calibration, upon=upon, at=1.0) is not None


def n_heard(tuning: Tuning) -> int:
    step = tuning.pipeline(DIRECTORY).step(NOW, [heard_at(NOW, 20.0)])
    return step.positions[0].n_heard


@pytest.fixture
def tuning(database: Database) -> Tuning:
    return Tuning(street(), database, HandClock())


async def test_it_changes_only_where_another_is_in_force(
    database: Database, tuning: Tuning
) -> None:
    assert not await tuning.refresh()
    await put_in_force(database, FOUND)
    assert await tuning.refresh()
    assert not await tuning.refresh()
    await database.write(calibrations.undo, at=2.0, by="takeda")
    assert await tuning.refresh()


async def test_trackers_are_built_by_what_is_in_force(database: Database, tuning: Tuning) -> None:
    everyone = n_heard(tuning)
    await put_in_force(database, FOUND)
    await tuning.refresh()
    assert n_heard(tuning) == everyone - 1


async def test_where_all_that_are_left_were_left_out_all_are_listened_to(
    database: Database, tuning: Tuning
) -> None:
    everyone = n_heard(tuning)
    await put_in_force(database, Calibration(at=NOW, left_out=RECEIVERS))
    await tuning.refresh()
    assert n_heard(tuning) == everyone


async def test_one_that_cannot_be_read_is_told_and_says_nothing(
    database: Database, tuning: Tuning, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(connection: Connection) -> None:
        connection.exec_driver_sql("""UPDATE calibrations SET document = '{"at":"noon"}'""")

    everyone = n_heard(tuning)
    await put_in_force(database, FOUND)
    await database.write(spoil)
    assert await tuning.refresh()
    assert n_heard(tuning) == everyone
    assert "Calibration 1 cannot be read" in capsys.readouterr().out


async def test_faults_of_receivers_that_the_site_has_are_judged(
    database: Database, tuning: Tuning
) -> None:
    await put_in_force(database, FOUND)
    await tuning.refresh()
    assert tuning.judged == ReceiversJudged(
        NOW,
        frozenset({("r-0", AlertKind.RECEIVER_DEAD), ("r-1", AlertKind.RECEIVER_SWAPPED)}),
    )


def test_every_fault_has_an_alert_of_its_own() -> None:
    assert set(ALERTS) == set(Fault)
    assert len(set(ALERTS.values())) == len(Fault)


class Hub:
    """Notes what it is told to do; the first `failing` times its database fails."""

    def __init__(self, failing: int = 0) -> None:
        self.retuned = 0
        self.recorded: list[Happening] = []
        self.failing = failing

    async def retune(self) -> None:
        self._try()
        self.retuned += 1

    async def record(self, happening: Happening) -> None:
        self._try()
        self.recorded.append(happening)

    def _try(self) -> None:
        if self.failing:
            self.failing -= 1
            raise StoreError("the disk is full")


async def followed(tuning: Tuning, hub: Hub, meanwhile: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(tuning.follow(hub.retune, hub.record), name="tuning")
        await meanwhile()
        task.cancel()


async def test_a_hub_that_starts_has_its_receivers_judged_and_nothing_to_retune(
    tuning: Tuning,
) -> None:
    hub = Hub()
    await followed(tuning, hub, lambda: until(lambda: len(hub.recorded) > 0))
    assert hub.recorded == [ReceiversJudged(0.0, frozenset())]
    assert hub.retuned == 0


async def test_what_comes_into_force_is_taken_up_and_so_is_its_undoing(
    database: Database, tuning: Tuning
) -> None:
    hub = Hub()

    async def meanwhile() -> None:
        await put_in_force(database, FOUND)
        await until(lambda: hub.retuned == 1)
        async with Database(database.path, owner=False) as guest:
            await guest.write(calibrations.undo, at=2.0, by="command line")
        await until(lambda: hub.retuned == 2 and len(hub.recorded) > 1)

    await followed(tuning, hub, meanwhile)
    assert hub.recorded[-2:] == [tuning_of(FOUND), ReceiversJudged(0.0, frozenset())]


def tuning_of(found: Calibration) -> ReceiversJudged:
    here = [one for one in found.verdicts if one.receiver in RECEIVERS]
    return ReceiversJudged(found.at, frozenset((one.receiver, ALERTS[one.fault]) for one in here))


async def test_where_the_database_fails_it_is_tried_again(
    database: Database, tuning: Tuning, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(failing=3)
    await put_in_force(database, FOUND)
    await followed(tuning, hub, lambda: until(lambda: len(hub.recorded) > 0))
    assert hub.retuned == 1
    assert capsys.readouterr().out.count("waits to be taken up") == 3
