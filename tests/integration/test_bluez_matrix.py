"""All set-ups of the simulated BlueZ at once: what the gateway's scanner hears, and bleak alone."""

import asyncio
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.simulated import SimulatedBluez

from tests.bluez.alone import MODES, PASSIVE
from tests.bluez.facts import (
    FACTS,
    Heard,
    bleak_alone_hears_as_with_real_bluez,
    mostly_with_the_rssi_of_another,
    read_heard,
)
from tests.bluez.setups import BEACONS, INTERVAL_S, SETUPS, UNCHANGING, Setup
from tests.integration.bluez_rig import on_air, simulated_bluez
from tests.needs import ROOT

SECONDS = 10.0
HURRY = 2.0  # bleak alone is heard for 20 s on the simulation's clock: a discovery and its pause
CHANGING = "changing"

by_name = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)


def add_adapter(bluez: SimulatedBluez, name: str, setup: Setup) -> SimulatedAdapter:
    return bluez.add_adapter(
        name, version=setup.version, le_only=setup.le_only, duplicates=setup.duplicates
    )


async def run(job: str, options: Iterable[str], out: Path) -> Mapping[str, Heard]:
    """Run one of tests/bluez as a process of its own, as it runs in a machine with a real BlueZ."""
    command = [sys.executable, "-m", f"tests.bluez.{job}", *options]
    command += ["--seconds", str(SECONDS), "--out", str(out)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == 0
    return read_heard(out)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Setup, Heard]:
    """What the gateway's scanner heard, with an adapter a set-up."""
    return asyncio.run(_heard(tmp_path_factory.mktemp("listen") / "heard.json"))


async def _heard(out: Path) -> Mapping[Setup, Heard]:
    async with simulated_bluez() as bluez:
        adapters = {setup: add_adapter(bluez, f"hci{n}", setup) for n, setup in enumerate(SETUPS)}
        async with on_air(list(adapters.values()), BEACONS, interval_s=INTERVAL_S):
            options = [f"--adapter={adapter.name}" for adapter in adapters.values()]
            said = await run("listen", options, out)
    return {setup: said[adapter.name] for setup, adapter in adapters.items()}


@by_name
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_gateways_scan_hears_everything_in_every_set_up(
    heard: Mapping[Setup, Heard], setup: Setup, fact
) -> None:
    fact(heard[setup])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[Setup, str], Heard]:
    """What unmodified bleak told in each set-up and mode; under CHANGING what the passive scan told
    of tags whose payload changes with each advert."""
    return asyncio.run(_told(tmp_path_factory.mktemp("alone") / "told.json"))


async def _told(out: Path) -> Mapping[tuple[Setup, str], Heard]:
    wanted = [(setup, mode) for setup in SETUPS for mode in (*MODES, CHANGING)]
    interval_s = INTERVAL_S / HURRY
    async with simulated_bluez(hurry=HURRY) as bluez:
        adapters = {
            (setup, mode): add_adapter(bluez, f"hci{number}", setup)
            for number, (setup, mode) in enumerate(wanted)
        }
        plain = [adapter for (_, mode), adapter in adapters.items() if mode in MODES]
        changing = [adapter for (_, mode), adapter in adapters.items() if mode == CHANGING]
        options = [
            f"--mode={adapter.name}={PASSIVE if mode == CHANGING else mode}"
            for (_, mode), adapter in adapters.items()
        ]
        async with (
            on_air(plain, UNCHANGING, interval_s=interval_s),
            on_air(changing, BEACONS, interval_s=interval_s),
        ):
            said = await run("alone", options, out)
    return {
        key: Heard(HURRY * said[adapter.name].seconds, said[adapter.name].rows)
        for key, adapter in adapters.items()
    }


@by_name
@pytest.mark.parametrize("mode", MODES)
def test_bleak_alone_hears_as_little_as_with_real_bluez(
    told: Mapping[tuple[Setup, str], Heard], setup: Setup, mode: str
) -> None:
    bleak_alone_hears_as_with_real_bluez(told[setup, mode], setup, mode)


@by_name
def test_a_passive_scan_of_changing_payloads_mostly_gives_the_rssi_of_another_advert(
    told: Mapping[tuple[Setup, str], Heard], setup: Setup
) -> None:
    mostly_with_the_rssi_of_another(told[setup, CHANGING])
