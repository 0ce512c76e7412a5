"""A whole hub and a gateway that is only its topics: what goes down, comes up, and is shown."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from gateway.app.hub import Hub
from gateway.app.pulse import Pulse
from gateway.clock import Clock
from gateway.lamps import Authority, LampReading, Outcome, OutcomeState, Override
from gateway.link.envelope import Envelope, Item, Kind, Receipt, encode, encode_items
from gateway.link.topics import Topics
from gateway.model import Lane, Press
from gateway.settings import ApiSettings, BrokerSettings, HubSettings, Settings
from gateway.site import load_site
from gateway.store import overrides
from gateway.store.database import Database
from tests.integration.conftest import Mosquitto
from tests.unit.app.lamp_pieces import TYPES, lamp
from tests.unit.app.town import BUTTON, SITE_ID, add_child
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

GATEWAY = "gw-01"
WITHIN_S = 20.0
TOPICS = Topics(SITE_ID)


class Gateway:
    """The topics of one: what came down, newest of each kind; states as integrators see them."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._seqs = dict.fromkeys(Lane, 0)
        self._news = asyncio.Condition()
        self.down: dict[str, Any] = {}
        self.states: dict[str, dict[str, Any]] = {}

    async def listen(self) -> None:
        """Take what comes, and receipt it."""
        for topic in (TOPICS.down(GATEWAY, Lane.URGENT), TOPICS.lamp_state("+")):
            await self._client.subscribe(topic, qos=1)
        async for message in self._client.messages:
            payload = json.loads(bytes(message.payload))
            if "kind" in payload:
                self.down[payload["kind"]] = payload["items"][0]
                await self._receipt(payload)
            else:
                self.states[str(message.topic).split("/")[-2]] = payload
            async with self._news:
                self._news.notify_all()

    async def send(self, lane: Lane, kind: Kind, *items: Item) -> None:
        """A row of its outbox."""
        self._seqs[lane] += 1
        envelope = Envelope(
            sender=GATEWAY,
            epoch="e1",
            lane=lane,
            seq=self._seqs[lane],
            first=1,
            sent=time.time(),
            kind=kind,
            items=msgspec.Raw(encode_items(items)),
        )
        await self._client.publish(TOPICS.up(GATEWAY, lane), encode(envelope), qos=1)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what comes."""
        async with asyncio.timeout(WITHIN_S), self._news:
            await self._news.wait_for(lambda: bool(condition()))

    async def _receipt(self, envelope: dict[str, Any]) -> None:
        lane = Lane(envelope["lane"])
        receipt = Receipt(epoch=envelope["epoch"], lane=lane, mark=envelope["seq"])
        await self._client.publish(TOPICS.down_receipt(GATEWAY), encode(receipt), qos=1)


class Town:
    """A hub of a street with lamps, its gateway, and the database as another program sees it."""

    def __init__(self, gateway: Gateway, database: Database) -> None:
        self.gateway = gateway
        self.database = database

    async def override(self, number: int) -> Override:
        """As the command line does, beside the hub."""
        now = time.time()
        made = Override(f"o-{number}", ("l-0",), 30.0, Authority.STAFF, now, now, now + 600)
        await self.database.write(overrides.add, made, reason="works", by="command line")
        return made

    async def becomes(self, override: str, outcome: Outcome) -> None:
        """Wait for what the database knows of an override's first lamp."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                stored = await self.database.read(overrides.get, override, now=time.time())
                if stored is not None and stored.outcomes[0] == outcome:
                    return
                await asyncio.sleep(0.02)

    def told(self) -> list[str]:
        """The overrides that the gateway knows."""
        document = self.gateway.down.get("overrides", {"overrides": []})
        return [one["id"] for one in document["overrides"]]


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[None]:
    stop, started = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hub.run(stop, started.set), name="hub")
        await started.wait()
        yield
        stop.set()


@pytest.fixture
async def town(tmp_path: Path, mosquitto: Mosquitto) -> AsyncIterator[Town]:
    """All of it runs, and the gateway knows its orders."""
    site = write_site(tmp_path, (*TOWN, lamp(0), lamp(1)), name="street")
    settings = Settings(
        site=site,
        site_id=SITE_ID,
        state_dir=tmp_path,
        broker=BrokerSettings(host=mosquitto.host, port=mosquitto.port),
        hub=HubSettings(api=ApiSettings(port=0)),
    )
    hub = Hub(settings, load_site(site), Clock(), Pulse(), types=TYPES)
    path = settings.state_path(settings.hub.database)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiomqtt.Client(mosquitto.host, mosquitto.port))
        gateway = Gateway(client)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(gateway.listen(), name="gateway")
            async with running(hub), Database(path, owner=False) as guest:
                await guest.write(add_child)
                await gateway.until(lambda: {"light_orders", "overrides"} <= set(gateway.down))
                yield Town(gateway, guest)
            listening.cancel()


async def test_a_gateway_is_told_its_lamps(town: Town) -> None:
    assert [one["lamp"] for one in town.gateway.down["light_orders"]["lamps"]] == ["l-0", "l-1"]
    assert town.told() == []


async def test_an_override_of_another_program_goes_down_and_its_outcome_comes_up(
    town: Town,
) -> None:
    made = await town.override(1)
    await town.gateway.until(lambda: town.told() == ["o-1"])
    assert time.time() - made.made_at < WITHIN_S / 2
    done = Outcome("o-1", "l-0", time.time(), OutcomeState.DONE)
    await town.gateway.send(Lane.URGENT, Kind.OUTCOMES, done)
    await town.becomes("o-1", done)
    await town.database.write(overrides.end, "o-1", at=time.time())
    await town.gateway.until(lambda: town.told() == [])


async def test_what_a_lamp_says_is_shown_to_integrators_and_kept_for_those_who_come_later(
    town: Town, mosquitto: Mosquitto
) -> None:
    at = time.time()
    said = [
        LampReading(at=at - 1, lamp="l-0", actual_level=0.0),
        LampReading(at=at, lamp="l-0", actual_level=75.0, active_power_w=30.0),
    ]
    await town.gateway.send(Lane.LIVE, Kind.LAMP_READINGS, *said)
    await town.gateway.until(lambda: "l-0" in town.gateway.states)
    state = town.gateway.states["l-0"]
    assert (state["powerState"], state["illuminanceLevel"], state["status"]) == ("on", 0.75, "ok")
    assert "dateLastSwitchingOn" in state
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as later:
        await later.subscribe(TOPICS.lamp_state("l-0"), qos=1)
        async with asyncio.timeout(WITHIN_S):
            message = await anext(aiter(later.messages))
    assert json.loads(bytes(message.payload)) == state


async def test_an_sos_makes_the_lamps_around_it_bright(town: Town) -> None:
    press = Press(time.time(), "r-1", BUTTON.identifier, -60)
    async with asyncio.timeout(WITHIN_S):
        while not town.told():  # the hub looks into its registry each few seconds
            await town.gateway.send(Lane.URGENT, Kind.PRESS, press)
            await asyncio.sleep(0.2)
    (one,) = town.gateway.down["overrides"]["overrides"]
    assert (one["scene"], one["level"], one["authority"]) == ("sos", 100.0, "safety")
    assert one["lamps"] == ["l-0", "l-1"]
