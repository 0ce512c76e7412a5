"""`machimori doctor` with a real broker and a simulated BlueZ: what runs is told to be well."""

import aiomqtt
from firmware_sim.bluez.simulated import SimulatedBluez

from gateway.cli.doctor_link import broker_verdicts
from gateway.cli.doctor_radio import adapter_verdicts
from gateway.cli.doctor_words import Mark
from gateway.link.envelope import Status, encode
from gateway.link.topics import Topics
from gateway.model import ReceiverSource, Role
from gateway.settings import BrokerSettings, Settings
from tests.integration.bluez_rig import simulated_bluez
from tests.integration.conftest import Mosquitto

NOW = 1_795_000_000.0
LOOK_S = 0.5
OMG = ReceiverSource("r-1", "openmqttgateway", "home/OMG_1")


def _settings(mosquitto: Mosquitto, **broker: object) -> Settings:
    known = BrokerSettings(host=mosquitto.host, port=mosquitto.port, **broker)
    return Settings(roles=(Role.EDGE,), broker=known)


async def test_what_the_broker_keeps_of_hub_gateway_and_receivers_is_judged(
    mosquitto: Mosquitto,
) -> None:
    topics = Topics("iwaki")
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        hub = encode(Status(online=True, version="1", at=NOW))
        await client.publish(topics.hub_status("hub"), hub, qos=1, retain=True)
        gateway = encode(Status(online=False))
        await client.publish(topics.gateway_status("gw-01"), gateway, qos=1, retain=True)
        await client.publish("home/OMG_1/LWT", "offline", qos=1, retain=True)
    said = await broker_verdicts(_settings(mosquitto), [OMG], now=NOW, seconds=LOOK_S)
    assert {verdict.part: verdict.mark for verdict in said} == {
        "broker": Mark.WELL,
        "hub hub": Mark.WELL,
        "gateway gw-01": Mark.ILL,
        "receiver r-1": Mark.ILL,
    }


async def test_a_broker_that_is_down_is_told(stopped_mosquitto: Mosquitto) -> None:
    (said,) = await broker_verdicts(_settings(stopped_mosquitto), [], now=NOW, seconds=LOOK_S)
    assert said.remedy.startswith("nobody listens there")


async def test_adapters_are_judged_by_what_bluez_says_of_them() -> None:
    async with simulated_bluez() as bluez:
        _add_adapters(bluez)
        said = await adapter_verdicts({"hci0": "r-1", "hci1": "r-2", "hci2": "r-3"})
        assert [(verdict.part, verdict.mark) for verdict in said] == [
            ("adapter hci0", Mark.WELL),
            ("adapter hci1", Mark.WORRYING),
            ("adapter hci2", Mark.ILL),
        ]
        assert "plug it in" in said[2].remedy
        await bluez.kill()
        (said_of_none,) = await adapter_verdicts({"hci0": "r-1"})
        assert "systemctl" in said_of_none.remedy


def _add_adapters(bluez: SimulatedBluez) -> None:
    bluez.add_adapter("hci0", version=(5, 66))
    bluez.add_adapter("hci1", version=(5, 66), monitors=False)
