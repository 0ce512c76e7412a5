"""A whole night: a hub, the process beside it, and the alerts of the morning."""

import asyncio
from pathlib import Path

from gateway.app.hub import Hub
from gateway.app.nightly import next_night
from gateway.app.pulse import Pulse
from gateway.model import AlertKind
from gateway.settings import ApiSettings, BrokerSettings, ClockSettings, HubSettings, Settings
from gateway.store import alerts, calibrations
from gateway.store.database import Database
from tests.ports import free_ports
from tests.unit.app.nights import EVENING, live_through, road, write_road
from tests.unit.app.town import HandClock

ABOUT_RECEIVERS = {("r-2", AlertKind.RECEIVER_DEAD)}


async def test_in_the_morning_the_dead_receiver_is_named_and_an_undoing_ends_that(
    tmp_path: Path,
) -> None:
    broker_port, port = free_ports(2)
    settings = Settings(
        site=write_road(tmp_path),
        state_dir=tmp_path,
        broker=BrokerSettings(port=broker_port),
        hub=HubSettings(api=ApiSettings(port=port)),
        clock=ClockSettings(start=EVENING + 60.0, rate=1e-9),  # of the process beside
    )
    clock, stop, started = HandClock(EVENING + 60.0), asyncio.Event(), asyncio.Event()
    hub = Hub(settings, road(), clock, Pulse(), types={})
    path = settings.state_path(settings.hub.database)
    async with Database(path, owner=False) as guest, asyncio.timeout(120):
        await guest.write(live_through)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hub.run(stop, started.set), name="hub")
            await started.wait()
            await asyncio.sleep(0.2)  # the hub has seen that it is evening
            clock.now = next_night(EVENING, hour=3, time_zone="Asia/Tokyo") + 1.0
            await _until_told(guest, ABOUT_RECEIVERS)
            await guest.write(calibrations.undo, at=clock.now, by="command line")
            await _until_told(guest, set())
            stop.set()


async def _until_told(database: Database, expected: set[tuple[str, AlertKind]]) -> None:
    told: set[tuple[str, AlertKind]] | None = None
    while told != expected:
        told = {(one.receiver, one.kind) for one in await database.read(alerts.unended)}
        await asyncio.sleep(0.05)
