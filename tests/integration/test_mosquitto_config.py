"""The Mosquitto configuration that ships, and the certificates that it explains, in Mosquitto."""

import asyncio
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest

from tests.needs import ROOT, need

SHIPPED = ROOT / "config" / "mosquitto"
SITE = "machimori/v1/iwaki"
PASSWORD = "heard-on-pole-12"


@dataclass
class Broker:
    """A running copy of the shipped configuration, in a folder of its own."""

    folder: Path
    door: int
    receivers_door: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until both doors are open."""
        with (self.folder / "log").open("ab") as log:
            command = [need("mosquitto"), "-c", str(self.folder / "mosquitto.conf")]
            self.process = subprocess.Popen(command, stderr=log)
        for port in (self.door, self.receivers_door):
            deadline = time.monotonic() + 10
            while not _is_open(port):
                log_text = (self.folder / "log").read_text()
                assert self.process.poll() is None, log_text
                assert time.monotonic() < deadline, log_text
                time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM, so that it writes what it persists."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=10)

    def trust(self) -> ssl.SSLContext:
        """Trusts the broker's CA and shows nothing of its own."""
        return ssl.create_default_context(cafile=self.folder / "ca.crt")

    def client(self, name: str) -> aiomqtt.Client:
        """A role that shows its certificate."""
        context = self.trust()
        context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        return aiomqtt.Client("localhost", self.door, tls_context=context)

    def receiver(self, name: str, password: str = PASSWORD) -> aiomqtt.Client:
        """A remote receiver with its password."""
        return aiomqtt.Client(
            "localhost",
            self.receivers_door,
            tls_context=self.trust(),
            username=name,
            password=password,
        )


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _explained_commands() -> list[str]:
    """The scripts of the configuration's comments: for the CA, for the broker, for a client."""
    comments = (SHIPPED / "machimori.conf").read_text().replace("\\\n#", "")
    blocks = [
        "\n".join(re.findall(r"^# {3}((?:openssl|printf) .*)$", block, flags=re.MULTILINE))
        for block in comments.split("\n#\n")
    ]
    return [block for block in blocks if block]


def _make_certificates(folder: Path, names: tuple[str, ...]) -> None:
    authority, server, client = _explained_commands()
    assert "broker.example" in server
    scripts = [authority, server.replace("broker.example", "localhost")]
    for script in (*scripts, *(client.replace("gw-01", name) for name in names)):
        done = subprocess.run(["sh", "-ec", script], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need("mosquitto")
    need("openssl")
    folder = tmp_path_factory.mktemp("broker")
    _make_certificates(folder, ("gw-01", "gw-02", "hub", "sink", "dashboard"))
    for name in ("OMG_p001", "kitchen", "hub"):
        create = [] if (folder / "receivers.passwd").exists() else ["-c"]
        command = [
            need("mosquitto_passwd"),
            "-b",
            *create,
            "receivers.passwd",
            name,
            PASSWORD,
        ]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    made = Broker(folder, _free_port(), _free_port())
    text = (SHIPPED / "machimori.conf").read_text()
    for given, here in (
        ("/etc/mosquitto/certs/", f"{folder}/"),
        ("/etc/mosquitto/", f"{folder}/"),
        ("/var/lib/mosquitto/", f"{folder}/"),
        ("listener 8883", f"listener {made.door} 127.0.0.1"),
        ("listener 8884", f"listener {made.receivers_door} 127.0.0.1"),
    ):
        assert given in text
        text = text.replace(given, here)
    (folder / "mosquitto.conf").write_text(f"user root\n{text}")
    for name in ("machimori.acl", "receivers.acl"):
        (folder / name).write_text((SHIPPED / name).read_text())
    made.start()
    yield made
    made.stop()


async def _heard(client: aiomqtt.Client, end: str) -> list[str]:
    """The topics that come to `client` before the last one, `end`."""
    topics: list[str] = []
    async with asyncio.timeout(10):
        async for message in client.messages:
            if message.topic.value == end:
                return topics
            topics.append(message.topic.value)
    return topics


async def test_a_gateway_publishes_under_its_own_name_only(broker: Broker) -> None:
    end = f"{SITE}/gw/gw-01/up/backlog"
    async with broker.client("hub") as hub, broker.client("gw-01") as gateway:
        await hub.subscribe("#", qos=1)
        for topic in (
            f"{SITE}/gw/gw-02/up/live",
            f"{SITE}/gw/gw-02/status",
            f"{SITE}/gw/gw-01/up/live",
            f"{SITE}/gw/gw-01/up/urgent",
            f"{SITE}/gw/gw-01/down/live",
            f"{SITE}/hub/hub/status",
            f"{SITE}/gw/gw-01/down/receipt",
            "machimori/v1/elsewhere/gw/gw-01/up/live",
            end,
        ):
            await gateway.publish(topic, b"{}", qos=1)
        assert await _heard(hub, end) == [
            f"{SITE}/gw/gw-01/up/live",
            f"{SITE}/gw/gw-01/up/urgent",
            f"{SITE}/gw/gw-01/down/receipt",
        ]


async def test_a_gateway_reads_its_own_topics_only(broker: Broker) -> None:
    end = f"{SITE}/gw/gw-02/down/backlog"
    async with broker.client("gw-02") as gateway, broker.client("hub") as hub:
        await gateway.subscribe("#", qos=1)
        for topic in (
            f"{SITE}/gw/gw-01/down/live",
            f"{SITE}/gw/gw-01/up/receipt",
            f"{SITE}/tags/t-7/position",
            f"{SITE}/hub/hub/out/live",
            f"{SITE}/hub/hub/status",
            f"{SITE}/gw/gw-02/up/receipt",
            end,
        ):
            await hub.publish(topic, b"{}", qos=1)
        assert await _heard(gateway, end) == [
            f"{SITE}/hub/hub/status",
            f"{SITE}/gw/gw-02/up/receipt",
        ]


async def test_the_sink_reads_what_the_hub_sends_out_and_can_only_receipt(broker: Broker) -> None:
    async with broker.client("sink") as sink, broker.client("hub") as hub:
        await sink.subscribe("#", qos=1)
        await hub.subscribe(f"{SITE}/hub/hub/#", qos=1)
        for topic in (
            f"{SITE}/gw/gw-01/down/urgent",
            f"{SITE}/hub/hub/out/urgent",
            f"{SITE}/tags/t-7/position",
            f"{SITE}/hub/hub/out/live",
        ):
            await hub.publish(topic, b"{}", qos=1)
        assert await _heard(sink, f"{SITE}/hub/hub/out/live") == [f"{SITE}/hub/hub/out/urgent"]
        await sink.publish(f"{SITE}/hub/hub/status", b"{}", qos=1)
        await sink.publish(f"{SITE}/hub/hub/out/receipt", b"{}", qos=1)
        assert await _heard(hub, f"{SITE}/hub/hub/out/receipt") == []


async def test_a_certificate_that_the_acl_does_not_name_reads_no_person(broker: Broker) -> None:
    own = f"{SITE}/gw/dashboard/status"
    async with broker.client("dashboard") as dashboard, broker.client("hub") as hub:
        await dashboard.subscribe("#", qos=1)
        for topic in (f"{SITE}/tags/t-7/position", f"{SITE}/hub/hub/out/live"):
            await hub.publish(topic, b"{}", qos=1)
        await dashboard.publish(own, b"{}", qos=1)
        assert await _heard(dashboard, own) == []


async def test_a_receiver_is_heard_by_its_gateway_and_speaks_only_for_itself(
    broker: Broker,
) -> None:
    end = "home/OMG_p001/BTtoMQTT/END"
    async with (
        broker.client("gw-01") as own,
        broker.client("gw-02") as other,
        broker.receiver("OMG_p001") as receiver,
        broker.receiver("hub") as pretender,
        broker.client("hub") as hub,
    ):
        await own.subscribe("#", qos=1)
        await other.subscribe("#", qos=1)
        await pretender.subscribe("#", qos=1)
        for topic in (
            "home/OMG_p002/BTtoMQTT/AABBCCDDEEFF",
            "home/OMG_p001/BTtoMQTT/AABBCCDDEEFF",
            f"{SITE}/gw/gw-01/down/live",
        ):
            await receiver.publish(topic, b"{}", qos=1)
            await pretender.publish(topic, b"{}", qos=1)
        await receiver.publish(end, b"{}", qos=1)
        assert await _heard(own, end) == ["home/OMG_p001/BTtoMQTT/AABBCCDDEEFF"]
        await hub.publish(f"{SITE}/gw/gw-02/down/urgent", b"{}", qos=1)
        assert await _heard(other, f"{SITE}/gw/gw-02/down/urgent") == []


async def test_nobody_comes_in_without_a_certificate(broker: Broker) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("localhost", broker.door, tls_context=broker.trust(), timeout=2):
            pytest.fail("was let in")


async def test_a_receiver_without_its_password_is_refused(broker: Broker) -> None:
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori"):
        async with broker.receiver("OMG_p001", password="guess"):
            pytest.fail("was let in with a wrong password")
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori"):
        async with aiomqtt.Client("localhost", broker.receivers_door, tls_context=broker.trust()):
            pytest.fail("was let in without a name")


@pytest.mark.parametrize(("version", "taken"), [("-tls1_1", False), ("-tls1_2", True)])
def test_only_tls_1_2_and_later_is_spoken(broker: Broker, version: str, taken: bool) -> None:
    said = subprocess.run(
        [
            "openssl", "s_client", "-connect", f"localhost:{broker.door}", version,
            "-cipher", "DEFAULT@SECLEVEL=0", "-CAfile", "ca.crt",
            "-cert", "hub.crt", "-key", "hub.key",
        ],
        cwd=broker.folder, input=b"", capture_output=True, check=False,
    )  # fmt: skip
    assert (b"CN = localhost" in said.stdout) == taken
    assert (b"alert protocol version" in said.stderr) != taken


async def test_a_retained_status_survives_a_restart_of_the_broker(broker: Broker) -> None:
    status = f"{SITE}/gw/gw-01/status"
    async with broker.client("gw-01") as gateway:
        await gateway.publish(status, b'{"online":false}', qos=1, retain=True)
    broker.stop()
    broker.start()
    async with broker.client("hub") as hub:
        await hub.subscribe(status, qos=1)
        assert await _heard(hub, status) == []
