"""Unmodified bleak, without the gateway's care, in its plain modes; what it told as JSON.

Runs by itself, like listen.py, and writes the same file of what each adapter heard:

    python3 -m tests.bluez.alone --mode hci0=active --mode hci1=passive --seconds 20 --out told.json

Modes: `active` (bleak's default), `with_rssi` (active with an RSSI filter), `passive`.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from tests.bluez.truth import truth

FLAGS = OrPattern(0, 0x01, b"\x06")
ACTIVE, WITH_RSSI, PASSIVE = "active", "with_rssi", "passive"
MODES = (ACTIVE, WITH_RSSI, PASSIVE)


async def told(modes: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """What bleak tells on each adapter (adapter → mode), each from its own start."""
    rows: dict[str, list[Any]] = {adapter: [] for adapter in modes}
    starts: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        for adapter, mode in modes.items():
            starts[adapter] = time.monotonic()
            scan = _scanner(adapter, mode, rows[adapter], starts[adapter])
            await stack.enter_async_context(scan)
        await asyncio.sleep(seconds)
        end = time.monotonic()
        heard = {
            adapter: {"seconds": end - start, "adverts": list(rows[adapter])}
            for adapter, start in starts.items()
        }
    return {"adapters": heard}


def _scanner(adapter: str, mode: str, rows: list[Any], start: float) -> BleakScanner:
    def take(device: BLEDevice, data: AdvertisementData) -> None:
        services = {uuid[4:8]: value for uuid, value in data.service_data.items()}
        said = truth(data.manufacturer_data, services)
        rows.append([round(time.monotonic() - start, 4), device.address, data.rssi, *said])

    if mode == PASSIVE:
        bluez = {"adapter": adapter, "or_patterns": [FLAGS]}
        return BleakScanner(take, scanning_mode="passive", bluez=bluez)
    filters = {"RSSI": -127} if mode == WITH_RSSI else {}
    return BleakScanner(take, bluez={"adapter": adapter, "filters": filters})


def main() -> None:
    """Scan as told, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", action="append", required=True, metavar="ADAPTER=MODE")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    modes = dict(pair.split("=") for pair in given.mode)
    if unknown := set(modes.values()) - set(MODES):
        parser.error(f"no mode {', '.join(unknown)}; there are {', '.join(MODES)}")
    heard = asyncio.run(told(modes, given.seconds))
    given.out.write_text(json.dumps(heard), encoding="utf-8")


if __name__ == "__main__":
    main()
