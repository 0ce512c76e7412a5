"""The hub's parts start and end together, with no broker in sight."""

import asyncio
import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gateway.app.hub import Hub
from gateway.app.hub_lights import Defaults
from gateway.app.pulse import LONGEST_S, Pulse
from gateway.lights.documents import Calendar, Program
from gateway.model import Alert, AlertKind, AlertState, Lane
from gateway.settings import ApiSettings, BrokerSettings, HubSettings, Settings
from gateway.store import (
    alerts,
    calibrations,
    light_documents,
    outgoing,
    sightings,
    trimming,
)
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.light_documents import DocumentKind
from gateway.tags.calibration import Calibration
from gateway.tags.health import Fault, Verdict
from tests.ports import free_ports
from tests.unit.app.town import NOW, OUT, SITE_ID, HandClock, street, until

WAITING_OR_STANDING = """
    SELECT (SELECT count(*) FROM link_rows WHERE direction = 'out'),
           (SELECT count(*) FROM alerts WHERE state != 'resolved')
"""


class Bench:
    """A hub's settings, and what it says of its start."""

    def __init__(self, folder: Path) -> None:
        broker_port, self.port = free_ports(2)
        self.settings = Settings(
            site_id=SITE_ID,
            state_dir=folder,
            broker=BrokerSettings(port=broker_port),
            hub=HubSettings(api=ApiSettings(port=self.port)),
        )
        self.now = 0.0
        self.pulse = Pulse(lambda: self.now)
        self.clock = HandClock()
        self.stop = asyncio.Event()
        self.started = asyncio.Event()

    def hub(self) -> Hub:
        return Hub(self.settings, street(), self.clock, self.pulse, types={})

    async def run(self) -> None:
        await self.hub().run(self.stop, self.started.set)

    async def health(self) -> tuple[int, object]:
        return await asyncio.to_thread(self._health)

    def _health(self) -> tuple[int, object]:
        url = f"http://127.0.0.1:{self.port}/api/v1/health"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_it_starts_without_a_broker_and_ends_when_it_is_told(bench: Bench) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.run(), name="hub")
        await bench.started.wait()
        bench.stop.set()
    async with Database(bench.settings.state_path(bench.settings.hub.database)) as database:
        assert await database.read(sightings.stepped_to, SITE_ID) == NOW - 2


async def test_a_hub_without_a_sink_keeps_nothing_for_it_and_misses_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "PAUSE_S", 0.0)
    no_sink = bench.settings.hub.model_copy(update={"sink": False})
    bench.settings = bench.settings.model_copy(update={"hub": no_sink})
    path = bench.settings.state_path(bench.settings.hub.database)
    behind = Alert("a-1", AlertKind.SINK_BEHIND, AlertState.RAISED, NOW - 700.0, NOW - 60.0)
    add = partial(outgoing.append, lane=Lane.LIVE, kind="positions", items=b"[]", at=NOW - 700.0)
    async with Database(path) as database:
        await database.write(alerts.add, behind)
        await database.write(outgoing.begin_epoch, OUT)
        await database.write(lambda connection: [add(connection, OUT) for _ in range(300)])
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.run(), name="hub")
        await bench.started.wait()
        with closing(sqlite3.connect(path)) as db:
            await until(lambda: db.execute(WAITING_OR_STANDING).fetchone() == (1, 0))
        bench.stop.set()
    async with Database(path) as database:
        (left,) = await database.read(outgoing.rows, OUT, lane=Lane.LIVE, after=0, limit=9)
    assert left.kind == "gap"


async def test_a_new_hub_has_the_programs_that_it_was_given(bench: Bench) -> None:
    given = Defaults((Program("dusk", ()),), (Calendar("street", "dusk"),))
    hub = Hub(bench.settings, street(), bench.clock, bench.pulse, types={}, defaults=given)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(hub.run(bench.stop, bench.started.set), name="hub")
        await bench.started.wait()
        bench.stop.set()
    async with Database(bench.settings.state_path(bench.settings.hub.database)) as database:
        for kind, name in ((DocumentKind.PROGRAM, "dusk"), (DocumentKind.CALENDAR, "street")):
            (stored,) = await database.read(light_documents.newest, kind)
            assert (stored.id, stored.by, stored.at) == (name, "", NOW)


async def test_its_health_says_when_the_steps_stand_still(bench: Bench) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bench.run(), name="hub")
        await bench.started.wait()
        await asyncio.sleep(0.05)
        assert await bench.health() == (200, {"ok": True, "why": ""})
        bench.pulse.beat("a loop that then stands still")
        bench.now += LONGEST_S + 1
        status, told = await bench.health()
        assert status == 503
        assert "a loop that then stands still" in str(told)
        bench.stop.set()
        await running


async def faults_become(database: Database, expected: list[tuple[str, AlertKind]]) -> None:
    while True:
        found = await database.read(alerts.unended)
        if [(one.receiver, one.kind) for one in found] == expected:
            return


async def test_what_a_night_found_is_told_and_over_when_it_is_undone(bench: Bench) -> None:
    found = Calibration(at=NOW, verdicts=(Verdict("r-1", Fault.DEAD, 20.0),))
    path = bench.settings.state_path(bench.settings.hub.database)
    async with Database(path, owner=False) as guest, asyncio.timeout(20):
        await guest.write(calibrations.add, found, upon=None, at=1.0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bench.run(), name="hub")
            await faults_become(guest, [("r-1", AlertKind.RECEIVER_DEAD)])
            await guest.write(calibrations.undo, at=2.0, by="command line")
            await faults_become(guest, [])
            bench.stop.set()


async def test_a_second_hub_on_the_same_database_is_refused_and_leaves_nothing(
    bench: Bench,
) -> None:
    async with Database(bench.settings.state_path(bench.settings.hub.database)):
        with pytest.raises(StoreError, match="another hub works on it"):
            await bench.run()
    assert not bench.started.is_set()


async def test_alerts_beyond_what_can_wait_for_the_broker_are_dropped_and_told(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = bench.hub()
    sos = Alert("a-1", AlertKind.SOS, AlertState.RAISED, NOW, NOW, tag="t-1")
    hub.alerts([sos] * 1_001)
    assert capsys.readouterr().out.count("integrators are not told") == 1
