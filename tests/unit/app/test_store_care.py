"""The hub's database is looked after: damage is told where it is found or met."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from gateway.alerts.happenings import StoreDamaged
from gateway.app import store_care
from gateway.app.store_care import StoreCare
from gateway.app.telling import record_happenings
from gateway.model import AlertKind
from gateway.settings import HubSettings
from gateway.store import alerts
from gateway.store.checking import large_damage
from gateway.store.database import Database
from tests.unit.app.town import NOW, OUT, HandClock
from tests.unit.store.test_checking import count, filled, spoil


def care_of(database: Database, told: asyncio.Event | None = None) -> StoreCare:
    async def record(damaged: StoreDamaged) -> None:
        await database.write(record_happenings, (damaged,), now=NOW, out=OUT)
        if told is not None:
            told.set()

    return StoreCare(database, HubSettings(), HandClock(), record, out=OUT)


async def kinds(database: Database) -> list[AlertKind]:
    return [alert.kind for alert in await database.read(alerts.unended)]


async def test_a_sound_database_is_no_news(database: Database) -> None:
    await care_of(database).look(met=False)
    assert await kinds(database) == []


async def test_damage_is_an_alert_once_and_the_log_says_where_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = await filled(tmp_path / "hub.sqlite", "positions")
    spoil(path, "positions")
    async with Database(path) as database:
        care = care_of(database)
        await care.look(met=False)
        await care.look(met=False)
        assert await kinds(database) == [AlertKind.STORE_DAMAGED]
    told = capsys.readouterr().out
    assert "positions: " in told
    assert "machimori restore FILE" in told


async def test_damage_that_a_read_meets_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_care, "PAUSE_S", 0.0)
    path = await filled(tmp_path / "hub.sqlite", "positions")
    spoil(path, "positions")
    async with Database(path) as database:
        told = asyncio.Event()
        watching = asyncio.ensure_future(care_of(database, told).works()["store watch"]())
        await asyncio.gather(database.read(count, "positions"), return_exceptions=True)
        await asyncio.wait_for(told.wait(), 10)
        watching.cancel()
        assert await kinds(database) == [AlertKind.STORE_DAMAGED]
        await asyncio.wait([watching])


async def test_whoever_meets_damage_again_and_again_is_not_looked_after_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look reads all that is large: it would take the disk from those who still can work."""
    looks = 0

    async def counted(path: Path) -> list[str]:
        nonlocal looks
        looks += 1
        return await large_damage(path)

    monkeypatch.setattr(store_care, "large_damage", counted)
    path = await filled(tmp_path / "hub.sqlite", "positions")
    spoil(path, "positions")
    async with Database(path) as database:
        care = care_of(database)
        for _ in range(5):
            await care.look(met=True)
        assert looks == 1
        assert await kinds(database) == [AlertKind.STORE_DAMAGED]


async def test_it_looks_daily_and_soon_after_a_bad_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    monkeypatch.setattr(store_care, "LOOK_SOON_S", 0.0)
    care = care_of(database)
    monkeypatch.setattr(care, "look", partial(_note, looks))
    for left_open, expected in ((False, 0), (True, 1)):
        database.left_open = left_open
        watching = asyncio.ensure_future(care.watch())
        await asyncio.sleep(0.05)
        watching.cancel()
        await asyncio.wait([watching])
        assert len(looks) == expected


async def _note(looks: list[bool], *, met: bool) -> None:
    looks.append(met)
