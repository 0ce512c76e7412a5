"""Alerts and their lives."""

from dataclasses import replace

import pytest

from gateway.model import Alert, AlertKind, AlertState
from gateway.store import alerts
from gateway.store.alerts import Change, StoredAlert
from gateway.store.database import Database


def alert(
    alert_id: str = "a-1",
    *,
    raised_at: float = 10.0,
    tag: str = "t-1",
    kind: AlertKind = AlertKind.SOS,
) -> Alert:
    return Alert(
        alert_id, kind, AlertState.RAISED, raised_at - 5.0, raised_at, tag=tag, receiver="r-1"
    )


async def test_an_alert_is_raised_once(database: Database) -> None:
    assert await database.write(alerts.add, alert())
    assert not await database.write(alerts.add, alert(raised_at=99.0))
    assert await database.read(alerts.get, "a-1") == StoredAlert(
        alert(), (Change(AlertState.RAISED, 10.0, ""),)
    )


async def test_the_doubt_about_an_alert_is_kept(database: Database) -> None:
    doubted = replace(alert(), suspect="counter")
    await database.write(alerts.add, doubted)
    assert await database.read(alerts.unended) == [doubted]


async def test_a_life_is_kept_step_by_step(database: Database) -> None:
    await database.write(alerts.add, alert())
    seen = Change(AlertState.ACKNOWLEDGED, 20.0, "sato")
    over = Change(AlertState.RESOLVED, 30.0, "")
    changed = await database.write(alerts.change, "a-1", seen)
    assert changed is not None
    assert changed.state is AlertState.ACKNOWLEDGED
    await database.write(alerts.change, "a-1", over)
    stored = await database.read(alerts.get, "a-1")
    assert stored is not None
    assert stored.alert.state is AlertState.RESOLVED
    assert stored.life == (Change(AlertState.RAISED, 10.0, ""), seen, over)


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (AlertState.ACKNOWLEDGED, AlertState.ACKNOWLEDGED),
        (AlertState.RESOLVED, AlertState.ACKNOWLEDGED),
        (AlertState.RETRACTED, AlertState.RESOLVED),
        (AlertState.RESOLVED, AlertState.RAISED),
    ],
)
async def test_a_life_has_no_such_step(
    database: Database, before: AlertState, step: AlertState
) -> None:
    await database.write(alerts.add, alert())
    await database.write(alerts.change, "a-1", Change(before, 20.0, ""))
    assert await database.write(alerts.change, "a-1", Change(step, 30.0, "sato")) is None
    stored = await database.read(alerts.get, "a-1")
    assert stored is not None
    assert stored.alert.state is before
    assert len(stored.life) == 2


async def test_an_unknown_alert_cannot_change(database: Database) -> None:
    step = Change(AlertState.RESOLVED, 1.0, "")
    assert await database.write(alerts.change, "a-9", step) is None
    assert await database.read(alerts.get, "a-9") is None


async def test_alerts_are_found_by_tag_and_by_kind_newest_first(database: Database) -> None:
    for one in (
        alert("a-1", raised_at=10.0),
        alert("a-2", raised_at=20.0),
        alert("a-3", raised_at=30.0, tag="t-2"),
        alert("a-4", raised_at=40.0, tag="", kind=AlertKind.CLOCK_OFF),
    ):
        await database.write(alerts.add, one)
    own = await database.read(alerts.about_persons, ["t-1"], tuple(AlertKind), since=0.0, limit=10)
    assert [one.alert.id for one in own] == ["a-2", "a-1"]
    assert all(len(one.life) == 1 for one in own)
    newest = await database.read(
        alerts.about_persons, ["t-1", "t-2"], tuple(AlertKind), since=15.0, limit=1
    )
    assert [one.alert.id for one in newest] == ["a-3"]
    assert (
        await database.read(alerts.about_persons, [], tuple(AlertKind), since=0.0, limit=10) == []
    )
    technical = await database.read(
        alerts.about_devices, [AlertKind.CLOCK_OFF], since=0.0, limit=10
    )
    assert [one.alert.id for one in technical] == ["a-4"]


async def test_a_hub_that_starts_finds_what_has_not_ended(database: Database) -> None:
    for alert_id, state in (
        ("a-1", None),
        ("a-2", AlertState.ACKNOWLEDGED),
        ("a-3", AlertState.RESOLVED),
        ("a-4", AlertState.RETRACTED),
    ):
        await database.write(alerts.add, alert(alert_id))
        if state is not None:
            await database.write(alerts.change, alert_id, Change(state, 20.0, ""))
    assert [one.id for one in await database.read(alerts.unended)] == ["a-1", "a-2"]


async def test_what_happened_to_a_tag_at_a_time_is_found_while_it_goes_on(
    database: Database,
) -> None:
    one, ended = alert("a-1"), alert("a-2")
    for stored in (
        one,
        ended,
        replace(one, id="a-3", at=one.at + 1),
        replace(one, id="a-4", tag=""),
    ):
        await database.write(alerts.add, stored)
    await database.write(alerts.change, ended.id, Change(AlertState.RESOLVED, 20.0, ""))
    assert await database.read(alerts.unended_of, one.tag, at=one.at) == [one]
