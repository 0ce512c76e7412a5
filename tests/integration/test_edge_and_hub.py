"""An edge and a hub over a real broker: what only both, and their stopping and starting, can show.

Both run here, each as in a process of its own; they share nothing but the broker.
"""

import asyncio
import json
import sqlite3
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from gateway.app.edge import Edge
from gateway.app.hub import Hub
from gateway.app.pulse import Pulse
from gateway.clock import Clock
from gateway.model import Alert, AlertKind, AlertState, EdgeOrders, Position, Window
from gateway.settings import ApiSettings, BrokerSettings, HubSettings, Settings
from gateway.site import load_site
from gateway.store import people
from gateway.store.database import Connection, Database
from tests.integration.conftest import Mosquitto
from tests.unit.app.town import SENT, SITE_ID, add_child
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
ADVERT = people.TagIdentifier(f"ibeacon:{UUID}:1:1", "t-2", button=False)
BUTTONS = [people.TagIdentifier(f"ibeacon:{UUID}:1:{n}", "t-2", button=True) for n in (2, 3)]
WITHIN_S = 20.0


def add_tag(connection: Connection) -> None:
    """A tag that really sends: an iBeacon with two buttons."""
    add_child(connection)
    tag = people.Tag("t-2", "c-1", people.Trust.LOW, 0.0, "A's parent")
    people.add_tag(connection, tag, [ADVERT, *BUTTONS])


class Pole:
    """Settings, files, and what the broker gets."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.site = write_site(folder, TOWN, name="street")
        self.settings = Settings(
            site=self.site,
            site_id=SITE_ID,
            state_dir=folder,
            broker=BrokerSettings(host=broker.host, port=broker.port),
            hub=HubSettings(api=ApiSettings(port=0)),
        )
        self.outbox = self.settings.state_path(self.settings.edge.outbox)
        self.database = self.settings.state_path(self.settings.hub.database)

    async def register(self) -> None:
        async with Database(self.database) as database:
            await database.write(add_tag)

    @asynccontextmanager
    async def edge(self) -> AsyncIterator[None]:
        """An edge that runs, and is stopped in the end."""
        stop, started = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            edge = Edge(self.settings, Clock(), Pulse())
            tasks.create_task(edge.run(stop, started.set), name="edge")
            await started.wait()
            yield
            stop.set()

    @asynccontextmanager
    async def hub(self, *, lateness_s: float = 1.5, killed: bool = False) -> AsyncIterator[Hub]:
        """A hub that runs; in the end it is stopped, or torn off in the middle of all it does."""
        hub_settings = self.settings.hub.model_copy(update={"lateness_s": lateness_s})
        settings = self.settings.model_copy(update={"hub": hub_settings})
        stop, started = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            hub = Hub(settings, load_site(self.site), Clock(), Pulse(), types={})
            running = tasks.create_task(hub.run(stop, started.set), name="hub")
            await started.wait()
            yield hub
            if killed:
                running.cancel()
            stop.set()

    async def hear(self, *minors: int) -> None:
        """Adverts at the first receiver."""
        host, port = self.settings.broker.host, self.settings.broker.port
        async with aiomqtt.Client(host, port) as client:
            for minor in minors:
                body = {"id": "AA:BB:CC:DD:EE:FF", "rssi": -60, "mfid": "4c00"}
                body |= {"uuid": UUID.replace("-", ""), "major": 1, "minor": minor}
                topic = "home/OMG_1/BTtoMQTT/AABBCCDDEEFF"
                await client.publish(topic, json.dumps(body), qos=1)

    def rows(self, sql: str, *, of: Path | None = None) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{of or self.database}?mode=ro", uri=True)) as file:
            return file.execute(sql).fetchall()

    def heard_in(self) -> list[int]:
        """The seconds of the hub's windows in which something was heard."""
        bodies = [zlib.decompress(body) for (body,) in self.rows("SELECT body FROM windows")]
        windows = [msgspec.json.decode(body, type=Window) for body in bodies]
        return sorted(window.second for window in windows if window.readings)

    def orders(self) -> EdgeOrders | None:
        """What the edge was told."""
        found = self.rows("SELECT body FROM document WHERE name = 'orders'", of=self.outbox)
        return msgspec.json.decode(found[0][0], type=EdgeOrders) if found else None


@pytest.fixture
async def pole(tmp_path: Path, mosquitto: Mosquitto) -> Pole:
    """Nothing runs but the broker; the registry knows one tag."""
    made = Pole(tmp_path, mosquitto)
    await made.register()
    return made


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`; `WITHIN_S` at most."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def test_an_edge_that_lost_its_outbox_is_told_its_orders_again(pole: Pole) -> None:
    """Without orders it hears nothing, so it sends nothing by which the hub could know."""
    async with pole.hub():
        async with pole.edge():
            await until(pole.orders)
        for file in pole.outbox.parent.glob(f"{pole.outbox.name}*"):
            file.unlink()
        async with pole.edge():
            await until(pole.orders)
            assert pole.orders() is not None


async def test_presses_that_wait_while_the_edge_stops_are_stored(pole: Pole) -> None:
    async with pole.hub(), pole.edge():
        await until(pole.orders)
    presses = "SELECT count(*) FROM row WHERE kind = 'press'"
    with closing(sqlite3.connect(pole.outbox, isolation_level=None)) as disk:
        async with pole.edge():
            await asyncio.sleep(0.5)  # it has subscribed
            disk.execute("BEGIN IMMEDIATE")  # the disk is slow
            await pole.hear(2, 3)
            await asyncio.sleep(0.5)  # one press is on its way to the disk, one waits
            asyncio.get_running_loop().call_later(0.5, disk.execute, "ROLLBACK")
    assert pole.rows(presses, of=pole.outbox) == [(2,)]


async def test_an_alert_while_the_broker_is_away_reaches_integrators_when_it_is_back(
    pole: Pole, mosquitto: Mosquitto
) -> None:
    sos = Alert("a-1", AlertKind.SOS, AlertState.RAISED, time.time(), time.time(), tag=SENT.tag)
    heard: list[str] = []
    async with pole.hub() as hub:
        await asyncio.sleep(0.5)
        mosquitto.kill()
        hub.alerts([sos])
        await asyncio.sleep(0.3)
        mosquitto.start()
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as integrator:
            await integrator.subscribe(f"machimori/v1/{SITE_ID}/alerts/+", qos=1)
            async with asyncio.timeout(WITHIN_S):
                heard.append(str((await anext(aiter(integrator.messages))).topic))
    assert heard == [f"machimori/v1/{SITE_ID}/alerts/a-1"]


async def test_a_hub_torn_off_between_receiving_and_stepping_makes_positions_of_all_of_it_once(
    pole: Pole,
) -> None:
    async with pole.edge():
        async with pole.hub(lateness_s=30.0, killed=True):
            await until(pole.orders)
            while len(pole.heard_in()) < 3:
                await pole.hear(1)
                await asyncio.sleep(0.2)
        heard = pole.heard_in()
        assert pole.rows("SELECT count(*) FROM positions") == [(0,)]
        async with pole.hub():
            await until(lambda: pole.rows("SELECT count(*) FROM positions") != [(0,)])
            await until(lambda: pole.rows("SELECT stepped_to FROM cursors") > [(heard[-1],)])
    assert pole.rows("SELECT count(*) FROM windows WHERE late") == [(0,)]
    queued = pole.rows("SELECT body FROM link_rows WHERE direction = 'out' ORDER BY seq")
    sent = [one.at for (body,) in queued for one in msgspec.json.decode(body, type=list[Position])]
    stored = [at for (at,) in pole.rows("SELECT at FROM positions ORDER BY at")]
    assert sent == stored
    assert stored[0] == heard[0] + 1
