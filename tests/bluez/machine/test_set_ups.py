"""Each set-up with a real bluetoothd: what the gateway's own scanner hears in the machine."""

import asyncio
from collections.abc import Callable

import pytest

from tests.bluez.facts import FACTS, Heard, read_heard
from tests.bluez.machine.conftest import Table
from tests.bluez.machine.rig import run_setup
from tests.bluez.setups import BEACONS, SETUPS, Setup

SECONDS = 10.0

_JOB = f"""
plug_in 1
wait_until powered 1
python3 -m tests.bluez.listen --adapter hci0 --seconds {SECONDS} --out /job/heard.json
"""


@pytest.fixture(scope="module", params=SETUPS, ids=lambda setup: setup.name)
def heard(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, table: Table
) -> Heard:
    """What the scanner heard in one set-up; the machine runs once for all facts."""
    setup: Setup = request.param
    folder = tmp_path_factory.mktemp(setup.name)
    outcome = asyncio.run(run_setup(setup, _JOB, folder=folder, airs=[BEACONS]))
    out = folder / "heard.json"
    assert out.exists(), f"the machine heard nothing; it said:\n{outcome.said[-2000:]}"
    heard = read_heard(out)["hci0"]
    table.add(setup, heard, outcome)
    return heard


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_gateways_scan_hears_everything_with_a_real_bluez(
    heard: Heard, fact: Callable[[Heard], None]
) -> None:
    fact(heard)
