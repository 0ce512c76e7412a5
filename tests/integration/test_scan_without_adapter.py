"""Real bleak on a machine (or a bus) without Bluetooth: one message, and the rest goes on."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.tags.scan import Scanner, pause
from gateway.tags.scan_watch import Patience
from tests.needs import need

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@pytest.fixture
def bus_without_bluez(tmp_path: Path) -> Iterator[Path]:
    """The socket of a D-Bus daemon on which nobody answers for BlueZ."""
    socket = tmp_path / "bus.sock"
    config = tmp_path / "bus.conf"
    config.write_text(BUS.format(socket=socket), encoding="utf-8")
    command = [need("dbus-daemon"), f"--config-file={config}", "--nofork", "--print-address=1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline().startswith("unix:")
        yield socket
        daemon.terminate()


async def scan_until_two_tries() -> tuple[Scanner, list[str], list[int]]:
    """Run real bleak through two tries, beside a task that counts its own turns."""
    tries = asyncio.Semaphore(0)
    turns = [0]

    async def soon(event: asyncio.Event, _: float) -> None:
        tries.release()
        await pause(event, 0.05)

    async def beside() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0.01)

    patience = Patience(retry_first_s=0.05)
    scanner = Scanner(
        {"hci0": "pole-01"}, lambda _: None, utc=lambda: 0.0, patience=patience, wait=soon
    )
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(scanner.run(), name="scanner"),
                group.create_task(beside(), name="beside"),
            ]
            await tries.acquire()
            await tries.acquire()
            for task in tasks:
                task.cancel()
    return scanner, [entry["problem"] for entry in logs if entry["log_level"] == "warning"], turns


async def test_without_a_system_bus_one_message_says_so_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent.sock'}")
    scanner, problems, turns = await scan_until_two_tries()
    assert scanner.counts["no_dbus"] == 2
    assert len(problems) == 1
    assert "D-Bus" in problems[0]
    assert scanner.running == frozenset()
    assert turns[0] > 1


async def test_without_bluetoothd_one_message_says_so_and_the_rest_goes_on(
    bus_without_bluez: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={bus_without_bluez}")
    scanner, problems, turns = await scan_until_two_tries()
    assert scanner.counts["no_bluetoothd"] == 2
    assert problems == ["bluetoothd does not run"]
    assert scanner.running == frozenset()
    assert turns[0] > 1
