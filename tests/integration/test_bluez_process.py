"""The simulated BlueZ as a process of its own: what a demo or a person at a keyboard starts."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bleak import BleakScanner

from tests.integration.bluez_rig import LAST_WORDS_S, SYSTEM_BUS
from tests.needs import need
from tests.ports import free_ports

SOON_S = 15.0


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    need("dbus-daemon")
    command = [sys.executable, "-m", "firmware_sim", "bluez", *options]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)


async def test_a_process_offers_bluez_can_be_broken_and_ends_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, (port,) = tmp_path / "bus", free_ports(1)
    monkeypatch.setenv(SYSTEM_BUS, f"unix:path={bus}")
    news = asyncio.Event()
    options = ["--adapter", "hci3", "--version", "5.82", "--tags", "2", "--interval", "0.05"]
    async with running("--socket", str(bus), "--control", str(port), *options) as process:
        reader, writer = await connected(port)
        scan = BleakScanner(
            lambda _device, _data: news.set(), bluez={"adapter": "hci3", "filters": {"RSSI": -127}}
        )
        async with asyncio.timeout(SOON_S):
            await scan.start()
            await news.wait()
            writer.write(b"power hci3 off\n")
            said = json.loads(await reader.readline())
            await scan.stop()
        assert said["running"]
        assert not said["adapters"]["hci3"]["powered"]
        assert said["adapters"]["hci3"]["adverts"]["told"] > 0
        process.terminate()
        async with asyncio.timeout(SOON_S):
            assert await process.wait() == 0
        writer.close()
        await asyncio.sleep(LAST_WORDS_S)  # bleak sees that its bus is gone, and closes it
    assert not bus.exists()


async def test_a_socket_that_cannot_be_is_one_line_and_not_a_trace(tmp_path: Path) -> None:
    need("dbus-daemon")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware_sim", "bluez", "--socket", str(tmp_path / "no" / "bus")),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.count(b"\n") == 1
    assert b"No such file" in said
