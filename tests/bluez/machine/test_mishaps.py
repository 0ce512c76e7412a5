"""A real bluetoothd that ends, a controller that is pulled out: the gateway's scanner goes on."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bluez.facts import Row, read_heard
from tests.bluez.machine.conftest import Table
from tests.bluez.machine.rig import run_setup
from tests.bluez.setups import BEACONS, SETUPS, Setup

AWAY_S = 4
RECOVERED_WITHIN_S = 20.0  # an emulated bluetoothd takes some seconds to start
LISTEN_S = 40

_MISHAPS = {
    "bluetoothd killed": ("stop_bluetoothd", "start_bluetoothd"),
    "controller pulled out": ("pull_out 1", "plug_in 1"),
}


def _job() -> str:
    listen = f"python3 -m tests.bluez.listen --adapter hci0 --seconds {LISTEN_S} --out /job/heard"
    lines = [
        "scans() { [ $(grep -c 'adapter scans' /job/log) -ge $1 ]; }",
        "plug_in 1; wait_until powered 1",
        f"{listen} >/job/log 2>&1 &",
        "listening=$!",
    ]
    for number, (away, back) in enumerate(_MISHAPS.values(), 1):
        lines.append(f"wait_until scans {number}; sleep 4; {away}; sleep {AWAY_S}; {back}")
    return "\n".join([*lines, "wait $listening"])


@pytest.mark.parametrize("setup", [SETUPS[1], SETUPS[5]], ids=lambda setup: setup.name)
def test_the_scanner_hears_again_soon_after_bluetoothd_or_the_controller_is_back(
    setup: Setup, tmp_path: Path, table: Table
) -> None:
    outcome = asyncio.run(run_setup(setup, _job(), folder=tmp_path, airs=[BEACONS], may_lose=True))
    out = tmp_path / "heard"
    assert out.exists(), f"it failed:\n{outcome.said[-4000:]}"
    heard = read_heard(out)["hci0"]
    silences = _silences(heard.rows, at_least_s=AWAY_S / 2)
    assert len(silences) == len(_MISHAPS), silences
    for mishap, silence_s in zip(_MISHAPS, silences, strict=True):
        after_s = silence_s - AWAY_S
        table.lines.append(
            f"{setup.name:18} {mishap}: hears again {after_s:.1f} s after it is back"
        )
        assert after_s < RECOVERED_WITHIN_S, mishap
    assert heard.rows[-1].at_s > LISTEN_S - 1.0


def _silences(rows: tuple[Row, ...], *, at_least_s: float) -> list[float]:
    gaps = (after.at_s - before.at_s for before, after in pairwise(rows))
    return [gap for gap in gaps if gap >= at_least_s]
