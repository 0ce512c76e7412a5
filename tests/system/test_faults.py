"""Bad input and faults, over the whole product: a clear message, a counter, nothing lost."""

import asyncio
import json
import math
import os
import subprocess
import sys
import time
import zlib
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest
import pytest_asyncio

from gateway.link.envelope import Envelope, Kind, Status, decode_status, encode, encode_items
from gateway.link.topics import Topics
from gateway.model import Lane, Reading, Window
from tests.needs import ROOT
from tests.system.rig import ROLES, Rig, until

TOWN = ROOT / "config" / "site.geojson"
CHILD = ("--walk", "child-001:home:school")
CARRIERS = 2
UNUSABLE, TRY_AGAIN = 2, 75  # exit codes; systemd starts a service again after the second only
HOUR_S = 3_600.0
DISK_KB = 48_000
NO_DISKS = "mounting a small disk is not allowed here (it needs root)"
RECEIVER_TOPIC = "home/OMG_p001/BTtoMQTT/AABBCC000001"
FOLLOWED_UUID = "7b1f2c58-94e3-4d0a-9c6e-3a2d51f08e47"  # of the town's tags; others are passed by

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- what a person gets to read -----------------------------------------------------------------


async def run_to_its_end(*arguments: str) -> tuple[int | None, list[str]]:
    """`machimori …`, which must end by itself: its exit code, and what it said beside its log."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments), cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    lines = said.decode().splitlines()
    assert "Traceback" not in "".join(lines), lines
    return process.returncode, [line for line in lines if not line.startswith("{")]


def write_settings(folder: Path, *, site: Path = TOWN, more: str = "") -> Path:
    """Settings of a service that finds no broker."""
    file = folder / "gateway.toml"
    state = f'site = "{site}"\nstate_dir = "{folder}/state"\n[broker]\nport = 1\n'
    file.write_text(f"{state}[hub.api]\nport = 0\n{more}")
    return file


def assert_said(lines: list[str], *words: str) -> None:
    """One line, with all of `words`."""
    told = [line for line in lines if all(word in line for word in words)]
    assert len(told) == 1, lines


@pytest.mark.parametrize("command", ["run", "check"])
async def test_a_typo_in_the_settings_is_named_with_what_was_meant(
    tmp_path: Path, command: str
) -> None:
    file = write_settings(tmp_path, more="[hub]\nlatenes_s = 2\n")
    code, lines = await run_to_its_end(command, "--config", str(file))
    assert code == (UNUSABLE if command == "run" else 1)
    assert_said(lines, str(file), "hub.latenes_s", "Did you mean lateness_s?")


@pytest.mark.parametrize("command", ["run", "check"])
async def test_a_site_that_is_cut_off_is_named(tmp_path: Path, command: str) -> None:
    site = tmp_path / "town.geojson"
    site.write_text(TOWN.read_text()[:100_000])
    code, lines = await run_to_its_end(
        command, "--config", str(write_settings(tmp_path, site=site))
    )
    assert code == (UNUSABLE if command == "run" else 1)
    assert_said(lines, str(site), "is not JSON", "export it as GeoJSON again")


@pytest.mark.parametrize("command", ["run", "check"])
async def test_a_broken_feature_of_the_site_is_named(tmp_path: Path, command: str) -> None:
    town = json.loads(TOWN.read_text())
    receiver = next(f for f in town["features"] if f["properties"].get("id") == "p007")
    receiver["geometry"]["coordinates"] = [140.93]
    site = tmp_path / "town.geojson"
    site.write_text(json.dumps(town))
    code, lines = await run_to_its_end(
        command, "--config", str(write_settings(tmp_path, site=site))
    )
    assert code == (UNUSABLE if command == "run" else 1)
    assert_said(lines, str(site), "p007")


async def test_a_database_that_is_none_is_left_alone_and_named(tmp_path: Path) -> None:
    database = tmp_path / "state" / "hub.sqlite"
    database.parent.mkdir()
    database.write_text("Dear diary, " * 1_000)
    settings = write_settings(tmp_path)
    code, lines = await run_to_its_end("run", "--role", "hub", "--config", str(settings))
    assert code == UNUSABLE
    assert_said(lines, str(database), "is not a SQLite database", "machimori restore")
    assert database.read_text().startswith("Dear diary")


async def test_a_database_on_a_read_only_disk_is_named(tmp_path: Path) -> None:
    with small_disks(tmp_path / "state") as mounted:
        if not mounted:
            pytest.skip(NO_DISKS)
        mount("-o", "remount,ro", str(tmp_path / "state"))
        settings = write_settings(tmp_path)
        code, lines = await run_to_its_end("run", "--role", "hub", "--config", str(settings))
    assert code == TRY_AGAIN
    assert_said(lines, "hub.sqlite", "Read-only file system", "may write")


# --- the running system -------------------------------------------------------------------------


@contextmanager
def small_disks(*folders: Path) -> Iterator[bool]:
    """Each folder a disk of its own; yields False where mounting is not allowed (it needs root)."""
    with ExitStack() as stack:
        for folder in folders:
            folder.mkdir(parents=True)
            if os.geteuid() != 0 or not mount(
                *("-t", "tmpfs", "-o", f"size={DISK_KB}k", "tmpfs", str(folder))
            ):
                yield False
                return
            stack.callback(subprocess.run, ["umount", str(folder)], check=True)
        yield True


def mount(*arguments: str) -> bool:
    """Whether `mount` did it."""
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


class Faulty(Rig):
    """The rig, its disks, and what the tests ask of it."""

    has_disks = False

    async def status(self) -> Status:
        """The edge's retained word about itself."""
        async with aiomqtt.Client("127.0.0.1", self.mqtt_port) as client:
            await client.subscribe(Topics("test").gateway_status("gw-01"))
            async for message in client.messages:
                status = decode_status(bytes(message.payload))
                assert isinstance(status, Status)
                return status
        raise AssertionError("no status is retained")

    async def publish(self, topic: str, *payloads: bytes) -> None:
        """Publish as anybody may."""
        async with aiomqtt.Client("127.0.0.1", self.mqtt_port) as client:
            for payload in payloads:
                await client.publish(topic, payload, qos=1)

    def seconds(self, *, since: float) -> set[int]:
        """The seconds of which the hub has a window."""
        rows = self.rows("SELECT second FROM windows WHERE second >= ?", since)
        return {int(str(second)) for (second,) in rows}

    def newest_position(self) -> float:
        """When somebody was last somewhere."""
        ((at,),) = self.rows("SELECT max(at) FROM positions")
        return float(str(at or 0))

    def alert_states(self, kind: str) -> list[object]:
        """Of every alert of this kind."""
        return [state for (state,) in self.rows("SELECT state FROM alerts WHERE kind = ?", kind)]

    async def goes_on(self) -> None:
        """Wait for positions of after now: every part still works."""
        now = self.now()
        await until(lambda: self.newest_position() > now, within_s=15, what="a new position")

    async def has_all(self, *, since: float) -> None:
        """Wait until the hub has a window for every second from `since` to a moment ago."""
        upto = int(self.now()) - 1
        wanted = set(range(math.ceil(since), upto))

        def missed() -> set[int]:
            return {second - upto for second in wanted - self.seconds(since=since)}

        await until(lambda: not missed(), within_s=20, what=missed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Faulty]:
    """The system, whose roles were started before there was a broker."""
    folder = tmp_path_factory.mktemp("faults") / "rig"
    rig = Faulty(folder, site=TOWN)
    with small_disks(rig.database.parent, rig.outbox.parent) as rig.has_disks:
        async with rig:
            await rig.register_children(1, carriers=CARRIERS)
            await rig.influx.start()
            await rig.influx.create_database("machimori")
            for role in ROLES:
                await rig.start(role)
            for role in ROLES:
                await until(
                    lambda role=role: "broker not reached" in rig.log(role),
                    within_s=20,
                    what=f"{role} misses the broker",
                )
            await asyncio.sleep(2)  # it goes on trying
            await rig.start("mosquitto")
            await rig.start_town(*CHILD, carriers=CARRIERS)
            await until(lambda: "orders taken" in rig.log("edge"), within_s=20, what="edge listens")
            yield rig


async def test_a_broker_that_comes_late_is_missed_once_and_then_used(rig: Faulty) -> None:
    await rig.goes_on()
    for role in ROLES:
        assert rig.is_up(role)
        assert rig.log(role).count("broker not reached") == 1
        assert rig.log(role).count('"broker connected"') == 1
        assert "Traceback" not in rig.log(role)
    await until(rig.influx_positions, within_s=15, what="positions in InfluxDB")


def advert(**fields: object) -> bytes:
    """What a receiver publishes."""
    return json.dumps({"id": "AA:BB:CC:00:00:01", "rssi": -70, **fields}).encode()


def eddystone(data: str) -> bytes:
    """An Eddystone advert with that service data, in hexadecimal digits."""
    return advert(servicedatauuid="0xfeaa", servicedata=data)


BAD_INPUT: Mapping[str, tuple[bytes, ...]] = {
    "remote_not_json": (b"", b"{", b"\xff\xfe\x00", b'{"x":' + b"[" * 5_000),
    "remote_bad_shape": (b"7", b"[]", advert(rssi="loud")),
    "remote_no_rssi": (b"{}",),
    "remote_bad_rssi": (advert(rssi=127), advert(rssi=-1e300)),
    "remote_bad_hex": (advert(manufacturerdata="4c0z"),),
    "remote_too_long": (advert(manufacturerdata="00" * 10_000),),
}


async def test_bad_input_is_counted_and_the_next_good_advert_is_heard(rig: Faulty) -> None:
    before = (await rig.status()).counts
    for payloads in BAD_INPUT.values():
        await rig.publish(RECEIVER_TOPIC, *payloads)
    empty, long = eddystone("00"), eddystone("00" + "5a" * 299)
    await rig.publish(RECEIVER_TOPIC, empty, long, advert(manufacturerdata="4c00"))
    major, minor = 0xFFFF, int(time.time()) & 0xFFFF
    sent = f"4c000215{FOLLOWED_UUID.replace('-', '')}{major:04x}{minor:04x}c5"
    await rig.publish(RECEIVER_TOPIC, advert(manufacturerdata=sent))
    good = f"ibeacon:{FOLLOWED_UUID}:{major}:{minor}"
    await until(lambda: is_heard(rig, good), within_s=10, what="the good advert")
    wanted = {reason: len(payloads) for reason, payloads in BAD_INPUT.items()}

    async def is_counted() -> bool:
        counts = (await rig.status()).counts
        return all(counts.get(key, 0) - before.get(key, 0) == wanted[key] for key in wanted)

    await until(is_counted, within_s=15, what="counters in the edge's status")
    assert rig.is_up("edge")


def is_heard(rig: Rig, identifier: str) -> bool:
    """Whether a window of the hub's database has it."""
    bodies = rig.rows("SELECT body FROM windows ORDER BY id DESC LIMIT 20")
    return any(
        isinstance(body, bytes) and identifier.encode() in zlib.decompress(body)
        for (body,) in bodies
    )


def row_of_a_stranger(seq: int, second: float, sent: float) -> bytes:
    """A window of a gateway and a receiver that are not on the site."""
    readings = (Reading("nowhere", "uid:0:0", -60.0, -60, 1),)
    return encode(
        Envelope(
            sender="gw-99",
            epoch="e1",
            lane=Lane.LIVE,
            seq=seq,
            first=1,
            sent=sent,
            kind=Kind.SIGHTINGS,
            items=msgspec.Raw(encode_items([Window(int(second), ("nowhere",), readings)])),
        )
    )


async def test_receivers_and_gateways_that_the_site_does_not_know_harm_nobody(rig: Faulty) -> None:
    now = rig.now()
    rows = [
        row_of_a_stranger(1, now, now),
        row_of_a_stranger(2, now + HOUR_S, now),  # captured while its clock was wrong
        row_of_a_stranger(3, now + 1, now),
    ]
    await rig.publish(Topics("test").up("gw-99", Lane.LIVE), *rows, b"{}", b"")
    await rig.publish("home/OMG_nobody/BTtoMQTT/AABBCC000001", eddystone("00"))
    await rig.goes_on()
    taken = rig.rows("SELECT seq FROM windows WHERE gateway = 'gw-99' ORDER BY seq")
    assert taken == [(1,), (3,)]
    assert all(rig.is_up(role) for role in ROLES)


async def test_two_edges_with_one_id_are_both_heard_and_told(rig: Faulty) -> None:
    since = rig.now()
    twin = rig.folder / "twin"
    twin.mkdir()
    await rig.start("twin", role="edge", MACHIMORI__EDGE__OUTBOX=str(twin / "outbox.sqlite"))

    def counts() -> dict[object, int]:
        found = rig.rows(
            "SELECT epoch, count(*) FROM windows WHERE gateway = 'gw-01' AND second >= ? "
            "GROUP BY epoch",
            since,
        )
        return {epoch: int(str(count)) for epoch, count in found}

    await until(
        lambda: len(counts()) == 2 and min(counts().values()) >= 3, within_s=30, what="two edges"
    )
    await until(lambda: rig.alert_states("twin_gateway"), within_s=10, what="twin alert")
    before = counts()
    await rig.goes_on()
    assert all(count > before[epoch] for epoch, count in counts().items())
    assert await rig.stop("twin") == 0
    assert rig.alert_states("twin_gateway") == ["raised"]
    assert rig.log("hub").count("two gateways have one id") == 1
    for name in ("edge", "twin"):
        assert rig.log(name).count('"broker connected"') == 1, "one kicked the other off"
    await rig.has_all(since=since)


async def test_an_edge_whose_clock_is_an_hour_off_is_corrected_and_told(rig: Faulty) -> None:
    await rig.stop("edge")
    await rig.start("edge", MACHIMORI__CLOCK__START=str(rig.start_at + HOUR_S))
    await until(lambda: rig.alert_states("clock_off") == ["raised"], within_s=20, what="alert")
    await rig.goes_on()
    assert rig.newest_position() <= rig.now()
    assert "a gateway's clock is off" in rig.log("hub")
    await rig.stop("edge")
    await rig.start("edge")
    await until(lambda: rig.alert_states("clock_off") == ["resolved"], within_s=20, what="its end")
    await rig.goes_on()
    now = rig.now()
    assert rig.rows("SELECT since, until FROM gaps WHERE until > ?", now) == []
    assert rig.rows("SELECT second FROM windows WHERE second > ?", now) == []


# --- full disks ---------------------------------------------------------------------------------


def fill(folder: Path) -> Path:
    """Take all the space of a small disk; the ballast to remove."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4_096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


async def test_a_full_disk_of_the_edge_costs_no_second(rig: Faulty) -> None:
    if not rig.has_disks:
        pytest.skip(NO_DISKS)
    await rig.goes_on()
    since = rig.now()
    ballast = fill(rig.outbox.parent)
    await until(lambda: "rows are held in memory" in rig.log("edge"), within_s=15, what="message")
    await asyncio.sleep(3)
    assert rig.is_up("edge")
    assert rig.log("edge").count("rows are held in memory") == 1
    ballast.unlink()
    await rig.has_all(since=since)
    assert rig.rows("SELECT * FROM gaps WHERE until > ?", since) == []
    await rig.goes_on()


async def test_a_full_disk_of_the_hub_costs_no_second(rig: Faulty) -> None:
    if not rig.has_disks:
        pytest.skip(NO_DISKS)
    await rig.stop("hub")
    await rig.start("hub")  # its write-ahead log begins anew, and so must grow
    await rig.goes_on()
    since = rig.now()
    ballast = fill(rig.database.parent)
    await until(lambda: "the disk is full" in rig.log("hub"), within_s=15, what="message")
    await asyncio.sleep(5)
    assert rig.is_up("hub"), rig.log("hub")
    ballast.unlink()
    await rig.has_all(since=since)
    assert rig.rows("SELECT * FROM gaps WHERE until > ?", since) == []
    await rig.goes_on()
    assert await rig.influx_positions() <= rig.stored_positions()
