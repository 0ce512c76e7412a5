"""Each set-up with a real bluetoothd: what the gateway's own scanner hears in a machine, and that
bleak alone hears as little as the simulated BlueZ lets it hear."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.bluez.alone import ACTIVE, MODES, PASSIVE, WITH_RSSI
from tests.bluez.facts import (
    FACTS,
    Heard,
    bleak_alone_hears_as_with_real_bluez,
    read_heard,
)
from tests.bluez.machine.conftest import Table
from tests.bluez.machine.rig import by_the_tags_clock, once_settled, run_setup
from tests.bluez.setups import BEACONS, SETUPS, UNCHANGING, Setup

LISTEN_S, ALONE_S = 10, 10

# Around the first controller payloads change, as the facts of the gateway's own scan want it, and
# around the others they stay as they are, as those of bleak alone want it.
_AIRS = (BEACONS, UNCHANGING, UNCHANGING)
# An emulated machine is just fast enough for two: a passive scan tells hardly anything.
_ALONE = ({"hci1": ACTIVE, "hci2": PASSIVE}, {"hci1": WITH_RSSI})


def _job() -> str:
    lines = [f"plug_in {number}; wait_until powered {number}" for number in (1, 2, 3)]
    lines.append(
        f"python3 -m tests.bluez.listen --adapter hci0 --seconds {LISTEN_S} --out /job/heard"
    )
    for number, modes in enumerate(_ALONE):
        options = " ".join(f"--mode {adapter}={mode}" for adapter, mode in modes.items())
        lines.append(
            f"python3 -m tests.bluez.alone {options} --seconds {ALONE_S} --out /job/alone{number}"
        )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one machine: what the gateway's scanner heard, by the tags' clock, and what
    bleak alone heard in each of its modes."""

    gateway: Heard
    alone: Mapping[str, Heard]


@pytest.fixture(scope="module", params=SETUPS, ids=lambda setup: setup.name)
def setup(request: pytest.FixtureRequest) -> Setup:
    """One of the eight."""
    found: Setup = request.param
    return found


@pytest.fixture(scope="module")
def run(setup: Setup, tmp_path_factory: pytest.TempPathFactory, table: Table) -> Run:
    """One set-up's machine; it runs once for all facts."""
    folder = tmp_path_factory.mktemp(setup.name)
    outcome = asyncio.run(run_setup(setup, _job(), folder=folder, airs=_AIRS))
    files = [folder / "heard", *(folder / f"alone{number}" for number in range(len(_ALONE)))]
    assert all(file.exists() for file in files), f"it failed:\n{outcome.said[-4000:]}"
    gateway, *told = (read_heard(file) for file in files)
    alone = {
        mode: once_settled(said[adapter])
        for modes, said in zip(_ALONE, told, strict=True)
        for adapter, mode in modes.items()
    }
    ran = Run(by_the_tags_clock(gateway["hci0"]), alone)
    table.add(setup, ran.gateway, alone, outcome)
    return ran


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_gateways_scan_hears_everything_with_a_real_bluez(
    run: Run, fact: Callable[[Heard], None]
) -> None:
    fact(run.gateway)


@pytest.mark.parametrize("mode", MODES)
def test_bleak_alone_hears_as_little_as_is_said_of_real_bluez(
    run: Run, setup: Setup, mode: str
) -> None:
    bleak_alone_hears_as_with_real_bluez(run.alone[mode], setup, mode)
