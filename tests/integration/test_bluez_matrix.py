"""All set-ups of the simulated BlueZ at once: what the gateway's scanner hears, and bleak alone."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.simulated import SimulatedBluez

from tests.bluez.facts import FACTS, Heard, read_heard
from tests.bluez.setups import BEACONS, INTERVAL_S, SETUPS, UNCHANGING, Setup
from tests.integration.bluez_rig import on_air, simulated_bluez
from tests.needs import ROOT

SECONDS = 10.0
HURRY = 2.0
FLAGS = OrPattern(0, 0x01, b"\x06")
MODES = ("active", "with_rssi", "passive")
CHANGING = "changing"

by_name = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)


def add_adapter(bluez: SimulatedBluez, name: str, setup: Setup) -> SimulatedAdapter:
    return bluez.add_adapter(
        name, version=setup.version, le_only=setup.le_only, duplicates=setup.duplicates
    )


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Setup, Heard]:
    """What the gateway's scanner heard, as a process of its own, with an adapter a set-up."""
    out = tmp_path_factory.mktemp("heard") / "heard.json"
    adapters = {f"hci{number}": setup for number, setup in enumerate(SETUPS)}
    asyncio.run(_listen(adapters, out))
    said = read_heard(out)
    return {setup: said[adapter] for adapter, setup in adapters.items()}


async def _listen(adapters: Mapping[str, Setup], out: Path) -> None:
    command = [sys.executable, "-m", "tests.bluez.listen", "--seconds", str(SECONDS)]
    command += ["--out", str(out), *(f"--adapter={adapter}" for adapter in adapters)]
    async with simulated_bluez() as bluez:
        air = [add_adapter(bluez, name, setup) for name, setup in adapters.items()]
        async with on_air(air, BEACONS, interval_s=INTERVAL_S):
            listening = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
            assert await listening.wait() == 0


@by_name
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_gateways_scan_hears_everything_in_every_set_up(
    heard: Mapping[Setup, Heard], setup: Setup, fact
) -> None:
    fact(heard[setup])


class Told(NamedTuple):
    """A callback of bleak: of which device, with which RSSI, and the RSSI that its bytes say."""

    address: str
    rssi_dbm: int
    truth_dbm: int


@pytest.fixture(scope="module")
def told() -> Mapping[tuple[Setup, str], list[Told]]:
    """What unmodified bleak gave in each set-up and mode, in 20 s on the simulation's clock; and
    under "changing" what the passive scan gave of tags whose payload changes with each advert."""
    return asyncio.run(_told())


async def _told() -> dict[tuple[Setup, str], list[Told]]:
    heard: dict[tuple[Setup, str], list[Told]] = defaultdict(list)
    interval_s = INTERVAL_S / HURRY
    async with simulated_bluez(hurry=HURRY) as bluez, AsyncExitStack() as stack:
        wanted = [(setup, mode) for setup in SETUPS for mode in (*MODES, CHANGING)]
        adapters = {
            (setup, mode): add_adapter(bluez, f"hci{number}", setup)
            for number, (setup, mode) in enumerate(wanted)
        }
        for (setup, mode), adapter in adapters.items():
            await stack.enter_async_context(_scanner(adapter.name, mode, heard[setup, mode]))
        plain = [adapter for (_, mode), adapter in adapters.items() if mode in MODES]
        changing = [adapter for (_, mode), adapter in adapters.items() if mode == CHANGING]
        await stack.enter_async_context(on_air(plain, UNCHANGING, interval_s=interval_s))
        await stack.enter_async_context(on_air(changing, BEACONS, interval_s=interval_s))
        await asyncio.sleep(SECONDS)
    return heard


def _scanner(adapter: str, mode: str, heard: list[Told]) -> BleakScanner:
    def take(device: BLEDevice, data: AdvertisementData) -> None:
        apple = data.manufacturer_data.get(0x004C)
        service = next(iter(data.service_data.values()), b"\x00\x00")
        octet = apple[22:23] if apple else service[1:2]
        truth_dbm = int.from_bytes(octet, "big", signed=True)
        heard.append(Told(device.address, data.rssi, truth_dbm))

    if mode in ("passive", CHANGING):
        bluez = {"adapter": adapter, "or_patterns": [FLAGS]}
        return BleakScanner(take, scanning_mode="passive", bluez=bluez)
    filters = {"RSSI": -127} if mode == "with_rssi" else {}
    return BleakScanner(take, bluez={"adapter": adapter, "filters": filters})


@by_name
@pytest.mark.parametrize("mode", MODES)
def test_bleak_alone_hears_as_little_as_with_real_bluez(
    told: Mapping[tuple[Setup, str], list[Told]], setup: Setup, mode: str
) -> None:
    real_per_s = getattr(setup, mode)
    heard = told[setup, mode]
    assert {one.address for one in heard} == {beacon.address for beacon in BEACONS}
    assert len(heard) / (HURRY * SECONDS) == pytest.approx(real_per_s, rel=0.06, abs=1.2)


@by_name
def test_a_passive_scan_of_changing_payloads_mostly_gives_the_rssi_of_another_advert(
    told: Mapping[tuple[Setup, str], list[Told]], setup: Setup
) -> None:
    heard = told[setup, CHANGING]
    anothers = sum(one.rssi_dbm != one.truth_dbm for one in heard)
    assert len(heard) > 40 * HURRY * SECONDS
    assert 0.75 < anothers / len(heard) < 0.95
