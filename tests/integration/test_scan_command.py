"""`machimori scan` beside everything that is real but the air: bleak, D-Bus, the hub's database."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from firmware_sim.bluez.beacons import NAMESPACE, Beacon
from firmware_sim.bluez.simulated import SimulatedBluez

from gateway.cli import run_command_line
from gateway.model import CarrierKind, TagIdentifier, Trust
from gateway.store import people
from gateway.store.database import Connection, Database
from gateway.store.people import Carrier, Tag
from gateway.tags.scan import Scanner
from tests.integration.bluez_rig import bluez, on_air

__all__ = ["bluez"]

OURS, STRANGERS = Beacon(1), Beacon(3)
INTERVAL_S = 0.1
SECONDS = 2.0


def identifier(beacon: Beacon) -> str:
    return f"uid:{NAMESPACE[:10].hex()}:{beacon.number:012x}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A gateway with two adapters."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'state_dir = "{tmp_path}"\nsite = "{tmp_path}/site.geojson"\n'
        '[edge.adapters]\nhci0 = "pole-1"\nhci1 = "pole-2"\n',
        encoding="utf-8",
    )
    return file


async def register(folder: Path) -> None:
    """A hub's database that knows one of the tags."""

    def add(connection: Connection) -> None:
        people.add_carrier(connection, Carrier("c-1", CarrierKind.CHILD, "Hanako"))
        tag = Tag("t-1", "c-1", Trust.LOW, 1.0, "mother")
        people.add_tag(connection, tag, [TagIdentifier(identifier(OURS), "t-1", button=False)])

    async with Database(folder / "hub.sqlite") as database:
        await database.write(add)


async def scanned(bluez: SimulatedBluez, config: Path, *arguments: str) -> int:
    """The command's exit code, run with tags in the air."""
    adapters = [bluez.add_adapter("hci0"), bluez.add_adapter("hci1", version=(5, 82))]
    given = ["scan", "--seconds", str(SECONDS), "--config", str(config), *arguments]
    async with on_air(adapters, (OURS, STRANGERS), interval_s=INTERVAL_S):
        return await asyncio.to_thread(run_command_line, given)


async def test_a_registered_tag_is_named_by_its_id_at_each_adapter_and_strangers_are_counted(
    bluez: SimulatedBluez, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await register(config.parent)
    assert await scanned(bluez, config, "--json") == 0
    text = capsys.readouterr().out
    told = json.loads(text)
    assert [(row["tag"], row["receiver"]) for row in told["heard"]] == [
        ("t-1", "pole-1"),
        ("t-1", "pole-2"),
    ]
    assert all(row["trust"] == "low" for row in told["heard"])
    assert all(row["adverts"] >= 0.5 * SECONDS / INTERVAL_S for row in told["heard"])
    assert set(told["others"]) == {"pole-1", "pole-2"}
    assert "Hanako" not in text
    assert {status["mode"] for status in told["adapters"].values()} == {"both"}


async def test_beside_the_gateways_own_scan_both_hear_and_its_end_ends_only_itself(
    bluez: SimulatedBluez, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Counter[str]()
    gateway = Scanner(
        {"hci0": "pole-1"}, lambda advert: heard.update([advert.receiver]), utc=time.time
    )
    async with asyncio.TaskGroup() as group:
        scanning = group.create_task(gateway.run(), name="gateway")
        assert await scanned(bluez, config, "--json") == 0
        during = heard["pole-1"]
        async with on_air([bluez.adapters["hci0"]], (OURS,), interval_s=INTERVAL_S):
            await asyncio.sleep(10 * INTERVAL_S)
        scanning.cancel()
    assert during >= 0.5 * 2 * SECONDS / INTERVAL_S
    assert heard["pole-1"] - during >= 5
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["heard"]


async def test_the_table_shows_strangers_where_that_was_asked_for(
    bluez: SimulatedBluez, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await register(config.parent)
    assert await scanned(bluez, config, "--all") == 0
    shown = capsys.readouterr().err
    assert "t-1" in shown
    assert identifier(STRANGERS)[:20] in shown
    assert identifier(OURS) not in shown
    assert "█" in shown
