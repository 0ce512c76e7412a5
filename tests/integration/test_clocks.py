"""Edges and hubs as processes whose wall clock is wrong, is set, or is lost with the power.

Only their wall clock lies (libfaketime): the monotonic one runs on, as a machine's does. The test
knows when each advert was really sent.
"""

import asyncio
import json
import sys
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import aiomqtt
import msgspec
import pytest

from gateway.app.row_times import TIMELESS
from gateway.model import Window
from tests.integration.conftest import Mosquitto
from tests.integration.test_edge_and_hub import UUID, Pole
from tests.needs import missing, need
from tests.system.chaos.surroundings import FakeClock, faketime_library
from tests.system.processes import Processes
from tests.system.rig import until

_SETTINGS = """
site = {site}
site_id = {site_id}
state_dir = {state}
[broker]
port = {port}
[hub.api]
port = 0
"""
BOOT_ID = "/proc/sys/kernel/random/boot_id"
HOUR_S = 3_600
SINCE_1970_S = 600
TOLERATED_S, SLOW_S = 1.0, 4.0
SHORT_GAP_S = 60.0
WITHIN_S = 60.0
BUTTON = 2  # the minor of a button; adverts have others


class Clocks:
    """A pole whose edge and hub may be processes with clocks of their own; and the truth."""

    def __init__(self, folder: Path, broker: Mosquitto, library: Path) -> None:
        self.pole = Pole(folder, broker)
        self.processes = Processes(folder)
        self.sent: dict[str, float] = {}
        self._folder = folder
        self._broker = broker
        self._library = library
        self._minors = count(100)
        self._clocks: dict[str, FakeClock] = {}
        self._settings = folder / "gateway.toml"
        self._settings.write_text(
            _SETTINGS.format(
                site=json.dumps(str(self.pole.site)),
                site_id=json.dumps(self.pole.settings.site_id),
                state=json.dumps(str(folder)),
                port=broker.port,
            )
        )

    def clock(self, role: str) -> FakeClock:
        """The wall clock of a role's processes."""
        if role not in self._clocks:
            self._clocks[role] = FakeClock(self._folder / f"{role}.time", self._library)
        return self._clocks[role]

    def in_1970(self, role: str) -> None:
        """It was not set since the machine started."""
        self.clock(role).step(SINCE_1970_S - round(time.time()))

    async def start(self, role: str, *, boot: str = "") -> None:
        """`boot`: the machine was started anew, under that name."""
        run = (sys.executable, "-m", "gateway", "run", "--role", role)
        command = (*run, "--config", str(self._settings))
        environment: Mapping[str, str] = self.clock(role).environment
        if boot:
            name = self._folder / f"{boot}.boot"
            name.write_text(f"{boot}\n")
            bound = f'mount --bind "{name}" {BOOT_ID} && exec "$@"'
            command = (need("unshare"), "--mount", "sh", "-c", bound, "sh", *command)
        await self.processes.spawn(role, *command, **environment)

    async def listening(self, role: str = "edge") -> None:
        """An edge that says that it is online has subscribed to its receivers."""
        async with self._client() as client:
            site = self.pole.settings.site_id
            whose = "gw/gw-01" if role == "edge" else "hub/hub"
            await client.subscribe(f"machimori/v1/{site}/{whose}/status", qos=1)
            async with asyncio.timeout(WITHIN_S):
                async for message in client.messages:
                    if json.loads(bytes(message.payload))["online"]:
                        return

    async def adverts(self, seconds: float) -> None:
        """Four a second, each of an identifier that was never used before."""
        async with self._client() as client:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                await self._send(client, next(self._minors))
                await asyncio.sleep(0.25)

    async def press(self) -> float:
        """A button; when it was."""
        async with self._client() as client:
            await self._send(client, BUTTON)
        return time.time()

    def heard(self) -> dict[str, list[int]]:
        """The seconds of the hub's database in which each identifier was heard."""
        found: dict[str, list[int]] = {}
        for second, body in self.pole.rows("SELECT second, body FROM windows"):
            window = msgspec.json.decode(zlib.decompress(body), type=Window)
            for reading in window.readings:
                found.setdefault(reading.identifier, []).append(second)
        return found

    def missing(self) -> dict[str, float]:
        """What was sent and has not come, and lies in no short gap: an edge that starts is deaf."""
        heard, gaps = self.heard(), [one for one in self.gaps() if one[2] - one[1] < SHORT_GAP_S]
        return {
            who: at
            for who, at in self.sent.items()
            if who not in heard
            and not any(since <= at + 1 and at - 1 <= until for _, since, until in gaps)
        }

    async def has_come(self) -> None:
        """Wait until everything has."""
        await until(lambda: not self.missing(), within_s=WITHIN_S, what=self.missing)

    def assert_each_once_and_in_its_second(self) -> None:
        """To the second in the middle; a busy machine may be slow with one or another."""
        heard = {who: seconds for who, seconds in self.heard().items() if who in self.sent}
        assert len(heard) > len(self.sent) / 2
        assert [who for who, seconds in heard.items() if len(seconds) > 1] == []
        late_s = {who: seconds[0] + 0.5 - self.sent[who] for who, seconds in heard.items()}
        assert {who: late for who, late in late_s.items() if abs(late) > SLOW_S} == {}
        assert abs(median(late_s.values())) < TOLERATED_S

    def gaps(self) -> list[tuple[str, float, float]]:
        """Those of the hub's database: reason, since, until."""
        return [
            (str(reason), float(since), float(until))
            for reason, since, until in self.pole.rows("SELECT reason, since, until FROM gaps")
        ]

    async def alerted(self) -> float:
        """Wait for the one SOS; when it was pressed, by the hub."""
        sos = "SELECT at FROM alerts WHERE kind = 'sos'"
        await until(lambda: self.pole.rows(sos), within_s=WITHIN_S, what="no alert")
        ((at,),) = self.pole.rows(sos)
        return float(at)

    async def told_orders(self) -> None:
        """An edge that was told what to listen to; nothing runs then."""
        async with self.pole.hub(), self.pole.edge():
            await until(self.pole.orders, within_s=WITHIN_S, what="orders")

    async def _send(self, client: aiomqtt.Client, minor: int) -> None:
        body = {"id": "AA:BB:CC:DD:EE:FF", "rssi": -60, "mfid": "4c00"}
        body |= {"uuid": UUID.replace("-", ""), "major": 1, "minor": minor}
        if minor != BUTTON:
            self.sent[f"ibeacon:{UUID}:1:{minor}"] = time.time()
        await client.publish("home/OMG_1/BTtoMQTT/AABBCCDDEEFF", json.dumps(body), qos=1)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[aiomqtt.Client]:
        async with aiomqtt.Client(self._broker.host, self._broker.port) as client:
            yield client


@pytest.fixture
async def clocks(tmp_path: Path, mosquitto: Mosquitto) -> AsyncIterator[Clocks]:
    """Nothing runs but the broker; the edge knows its orders."""
    library = faketime_library()
    if library is None:
        missing("libfaketime (package faketime)")
    made = Clocks(tmp_path, mosquitto, library)
    await made.pole.register()
    await made.told_orders()
    try:
        yield made
    finally:
        await made.processes.kill_all()


async def test_an_edge_that_boots_in_1970_is_right_to_the_second_before_and_after_it_is_told(
    clocks: Clocks,
) -> None:
    """Without a hub; killed once between, as the machine is not: its monotonic clock runs on."""
    clocks.in_1970("edge")
    await clocks.start("edge")
    await clocks.listening()
    await clocks.adverts(3)
    clocks.clock("edge").reset()
    await clocks.adverts(3)
    await asyncio.sleep(1.5)  # what it heard is on its disk
    await clocks.processes.kill("edge")
    await clocks.start("edge")
    await clocks.listening()
    await clocks.adverts(1)
    async with clocks.pole.hub():
        await clocks.has_come()
    clocks.assert_each_once_and_in_its_second()
    moved = clocks.pole.rows("SELECT body FROM windows WHERE skew_s < -1e9")
    bodies = [msgspec.json.decode(zlib.decompress(body), type=Window) for (body,) in moved]
    assert len(bodies) >= 3
    assert not any(window.synced for window in bodies)
    assert all(end - since < SHORT_GAP_S for _, since, end in clocks.gaps())
    assert not _has(clocks, TIMELESS)


async def test_a_hub_corrects_an_edge_that_is_never_told_the_time(clocks: Clocks) -> None:
    clocks.in_1970("edge")
    async with clocks.pole.hub():
        await clocks.start("edge")
        await clocks.listening()
        await clocks.adverts(3)
        pressed = await clocks.press()
        await clocks.has_come()
        assert await clocks.alerted() == pytest.approx(pressed, abs=2.0)
    clocks.assert_each_once_and_in_its_second()


async def test_after_a_power_cut_what_had_a_time_keeps_it_and_the_rest_is_one_named_gap(
    clocks: Clocks,
) -> None:
    if not await _may_mount():
        missing("the right to mount (root)")
    clocks.in_1970("edge")
    await clocks.start("edge", boot="first")
    await clocks.listening()
    await clocks.adverts(2)
    clocks.clock("edge").reset()
    await clocks.adverts(3)
    await asyncio.sleep(1.5)
    await clocks.processes.kill("edge")
    known = set(clocks.sent)
    clocks.in_1970("edge")
    await clocks.start("edge", boot="second")  # its power goes before it is told the time
    await clocks.listening()
    await clocks.adverts(2)
    await asyncio.sleep(1.5)
    await clocks.processes.kill("edge")
    lost = set(clocks.sent) - known
    clocks.clock("edge").reset()
    await clocks.start("edge", boot="third")
    async with clocks.pole.hub():
        await clocks.listening()
        await clocks.adverts(1)
        await clocks.has_come()
        timeless = partial(_has, clocks, TIMELESS)
        await until(timeless, within_s=WITHIN_S, what=clocks.gaps)
    clocks.assert_each_once_and_in_its_second()
    assert lost.isdisjoint(clocks.heard())
    for moment in (clocks.sent[who] for who in lost):
        around = [(since, end) for _, since, end in clocks.gaps() if since <= moment <= end]
        assert around
        assert all(end - since < SHORT_GAP_S for since, end in around)


async def test_steps_of_an_hour_and_back_change_nothing(clocks: Clocks) -> None:
    for role in ("edge", "hub"):
        await clocks.start(role)
    await clocks.listening("edge")
    await clocks.listening("hub")
    for role, hours in (("edge", 1), ("hub", 1), ("edge", -1), ("hub", -1)):
        clocks.clock(role).step(hours * HOUR_S)
        await clocks.adverts(2.5)
        clocks.clock(role).reset()
    await clocks.has_come()
    clocks.assert_each_once_and_in_its_second()
    newest = max(second for seconds in clocks.heard().values() for second in seconds)
    reached = "SELECT 1 FROM cursors WHERE stepped_to > ?"
    await until(
        lambda: clocks.pole.rows(reached.replace("?", str(newest))), within_s=WITHIN_S, what="steps"
    )
    found = [at for (at,) in clocks.pole.rows("SELECT at FROM positions")]
    assert all(abs(at - time.time()) < 120 for at in found)
    assert all(end - since < SHORT_GAP_S for _, since, end in clocks.gaps())
    assert clocks.pole.rows("SELECT count(*) FROM alerts") == [(0,)]


async def test_a_hub_in_1970_takes_an_sos_and_the_rest_when_it_knows_the_time(
    clocks: Clocks,
) -> None:
    clocks.in_1970("hub")
    for role in ("edge", "hub"):
        await clocks.start(role)
    await clocks.listening("edge")
    await clocks.listening("hub")
    before = len(clocks.pole.rows("SELECT second FROM windows"))
    await clocks.adverts(2)
    pressed = await clocks.press()
    assert await clocks.alerted() == pytest.approx(pressed, abs=2.0)
    assert len(clocks.pole.rows("SELECT second FROM windows")) == before
    clocks.clock("hub").reset()
    await clocks.adverts(1)
    await clocks.has_come()
    clocks.assert_each_once_and_in_its_second()


def _has(clocks: Clocks, reason: str) -> bool:
    return any(told == reason for told, _, _ in clocks.gaps())


async def _may_mount() -> bool:
    asked = await asyncio.create_subprocess_exec(
        *(need("unshare"), "--mount", "sh", "-c", f"mount --bind /dev/null {BOOT_ID}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asked.wait() == 0
