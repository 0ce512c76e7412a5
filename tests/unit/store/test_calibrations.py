"""Calibrations: all are kept, one is in force, and undoing goes back along what it was upon."""

from dataclasses import replace

import pytest

from gateway.store import calibrations
from gateway.store.calibrations import CalibrationState, Undone, UnreadableError
from gateway.store.database import Connection, Database, StoreError
from gateway.tags.calibration import Calibration, Correction
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault, Verdict
from gateway.tags.propagation import Radio

LEARNED = Calibration(
    at=90.0,
    beliefs={"r-1": Belief(Radio(power_dbm=-61.5, exponent=2.2), 0.8, 0.1)},
    corrections={"r-2": Correction((0.0, 3.0), (30.0, 3.0))},
    left_out=("r-3",),
    verdicts=(
        Verdict("r-2", Fault.MOVED, 15.0, place=(30.0, 3.0)),
        Verdict("r-3", Fault.DEAD, 99.0),
    ),
    before=-9.5,
    after=-8.25,
    accepted=True,
)


async def add(database: Database, *, upon: int | None, at: float = 100.0) -> int | None:
    return await database.write(calibrations.add, LEARNED, upon=upon, at=at)


async def in_force(database: Database) -> int | None:
    return await database.read(calibrations.in_force)


async def undo(database: Database, at: float = 500.0, by: str = "takeda") -> Undone | None:
    return await database.write(calibrations.undo, at=at, by=by)


async def test_at_first_nothing_is_in_force_and_nothing_can_be_undone(database: Database) -> None:
    assert await in_force(database) is None
    assert await undo(database) is None
    assert await database.read(calibrations.latest, limit=9) == []
    assert await database.read(calibrations.get, 1) is None
    assert await database.read(calibrations.summary, 1) is None


async def test_what_was_learned_comes_back_whole_and_is_in_force(database: Database) -> None:
    new = await add(database, upon=None)
    assert new is not None
    assert await in_force(database) == new
    assert await database.read(calibrations.get, new) == LEARNED
    (one,) = await database.read(calibrations.latest, limit=9)
    assert (one.learned_at, one.before, one.after, one.accepted) == (100.0, -9.5, -8.25, True)
    assert (one.id, one.upon, one.in_force) == (new, None, True)
    assert [(step.state, step.at, step.by) for step in one.life] == [
        (CalibrationState.IN_FORCE, 100.0, "")
    ]


@pytest.mark.parametrize("document", ['{"at":"noon"}', "{"])
async def test_one_that_a_newer_program_wrote_is_not_guessed_at(
    database: Database, document: str
) -> None:
    def spoil(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE calibrations SET document = ?", (document,))

    await add(database, upon=None)
    await database.write(spoil)
    with pytest.raises(UnreadableError, match="Calibration 1 cannot be read"):
        await database.read(calibrations.get, 1)


async def test_undoing_puts_in_force_what_was_before_and_keeps_all(database: Database) -> None:
    first = await add(database, upon=None)
    second = await add(database, upon=first, at=200.0)
    assert second is not None
    assert await undo(database) == Undone(second, first)
    assert await in_force(database) == first
    newest, oldest = await database.read(calibrations.latest, limit=9)
    assert [step.state for step in newest.life] == [
        CalibrationState.IN_FORCE,
        CalibrationState.UNDONE,
    ]
    assert newest.life[1] == replace(
        newest.life[0], state=CalibrationState.UNDONE, at=500.0, by="takeda"
    )
    assert [step.at for step in oldest.life] == [100.0, 500.0]
    assert (newest.in_force, oldest.in_force) == (False, True)
    assert await database.read(calibrations.get, second) == LEARNED


async def test_undoing_the_first_leaves_the_sites_file_alone_in_force(database: Database) -> None:
    first = await add(database, upon=None)
    assert first is not None
    assert await undo(database) == Undone(first, None)
    assert await in_force(database) is None
    assert await undo(database) is None


async def test_after_an_undoing_the_next_is_learned_upon_what_was_put_back(
    database: Database,
) -> None:
    first = await add(database, upon=None)
    second = await add(database, upon=first)
    await undo(database)
    third = await add(database, upon=first)
    assert third is not None
    assert third != second
    assert await undo(database) == Undone(third, first)


async def test_on_a_full_disk_what_was_in_force_stays_so(database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    long = replace(LEARNED, left_out=tuple(f"r-{number}" for number in range(10_000)))
    first = await add(database, upon=None)
    await database.write(fill)
    with pytest.raises(StoreError, match="disk is full"):
        await database.write(calibrations.add, long, upon=first, at=200.0)
    assert await in_force(database) == first
    assert len(await database.read(calibrations.latest, limit=9)) == 1


async def test_what_was_learned_upon_something_else_is_not_kept(database: Database) -> None:
    first = await add(database, upon=None)
    assert await add(database, upon=None) is None
    assert await add(database, upon=99) is None
    assert await in_force(database) == first
    assert len(await database.read(calibrations.latest, limit=9)) == 1


async def test_the_newest_come_first_and_no_more_than_asked_for(database: Database) -> None:
    upon = None
    for at in range(5):
        upon = await add(database, upon=upon, at=float(at))
    found = await database.read(calibrations.latest, limit=2)
    assert [one.learned_at for one in found] == [4.0, 3.0]
