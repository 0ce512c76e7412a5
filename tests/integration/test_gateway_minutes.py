"""A gateway's word of itself reaches InfluxDB: status → hub → row for the sink → points."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

from gateway.app.hub import Hub
from gateway.app.pulse import Pulse
from gateway.app.sink import Sink
from gateway.clock import Clock
from gateway.link.envelope import Status, encode
from gateway.link.topics import Topics
from gateway.settings import (
    ApiSettings,
    BrokerSettings,
    HubSettings,
    InfluxSettings,
    Settings,
    SinkSettings,
)
from gateway.site import load_site
from tests.integration.conftest import Mosquitto
from tests.integration.influx_server import InfluxServer
from tests.unit.app.town import SITE_ID
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site

RATE = 20.0  # a minute is three seconds


@asynccontextmanager
async def _running(settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """A hub and a sink, each as in a process of its own."""
    stop, started = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        hub = Hub(settings, load_site(settings.site), clock, Pulse(), types={})
        tasks.create_task(hub.run(stop, started.set), name="hub")
        tasks.create_task(Sink(settings, clock).run(stop, lambda: None), name="sink")
        await started.wait()
        yield
        stop.set()


async def test_a_gateway_and_its_receivers_are_points_of_each_minute(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    clock = Clock(start=1_800_000_000.0, anchor=time.time(), rate=RATE)
    async with InfluxServer(tmp_path / "influxd") as influxd:
        await influxd.start()
        await influxd.create_database("machimori")
        settings = Settings(
            site=write_site(tmp_path, TOWN, name="street"),
            site_id=SITE_ID,
            state_dir=tmp_path,
            broker=BrokerSettings(host=mosquitto.host, port=mosquitto.port),
            hub=HubSettings(api=ApiSettings(port=0)),
            sink=SinkSettings(influx=InfluxSettings(version=1, url=influxd.url)),
        )
        topic = Topics(SITE_ID).gateway_status("gw-01")
        async with (
            aiomqtt.Client(mosquitto.host, mosquitto.port) as gateway,
            _running(settings, clock),
            asyncio.timeout(30),
        ):
            receivers: list[dict[str, object]] = []
            while not receivers:
                said = Status(
                    online=True,
                    version="1.2",
                    at=clock.utc(),
                    outbox_rows=7,
                    adverts_per_s={"r-1": 3.0},
                )
                await gateway.publish(topic, encode(said), qos=1)
                await asyncio.sleep(0.2)
                receivers = await influxd.query("SELECT * FROM receiver", database="machimori")
            gateways = await influxd.query("SELECT * FROM gateway", database="machimori")
    assert {(one["receiver"], one["adverts_per_s"]) for one in receivers} == {("r-1", 3.0)}
    assert {(one["gateway"], one["outbox_rows"], one["version"]) for one in gateways} == {
        ("gw-01", 7, "1.2")
    }
    for one in gateways:
        assert int(str(one["time"])) % 60_000 == 0
        assert abs(float(str(one["skew_s"]))) < 5 * RATE
