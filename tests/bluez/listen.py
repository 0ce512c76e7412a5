"""The gateway's scanner for some seconds, and what it heard as JSON.

Runs by itself, also in a machine that has only the gateway's sources and what its scanner imports:

    python3 -m tests.bluez.listen --adapter hci0 --seconds 10 --out heard.json

Per adapter: `seconds` that were listened, and `adverts`, each [seconds since then, address, RSSI,
the RSSI that its bytes say or null, the count that its bytes say or null].
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.model import Advert
from gateway.tags.scan import Scanner
from tests.bluez.truth import truth

START_S = 60.0
SETTLE_S = 1.0


async def listen(adapters: Sequence[str], seconds: float) -> dict[str, Any]:
    """What the scanner hears on each adapter, from when all of them scan."""
    taken: list[tuple[float, Advert]] = []
    silent = set(adapters)
    all_scan = asyncio.Event()

    def take(advert: Advert) -> None:
        taken.append((time.monotonic(), advert))
        silent.discard(advert.receiver)
        if not silent:
            all_scan.set()

    scanner = Scanner({adapter: adapter for adapter in adapters}, take, utc=time.time)
    async with asyncio.TaskGroup() as group:
        scanning = group.create_task(scanner.run(), name="scan")
        async with asyncio.timeout(START_S):
            await all_scan.wait()
        await asyncio.sleep(SETTLE_S)
        start = time.monotonic()
        await asyncio.sleep(seconds)
        end = time.monotonic()
        scanning.cancel()
    heard: dict[str, list[Any]] = {adapter: [] for adapter in adapters}
    for at, advert in taken:
        if start <= at < end:
            said = truth(advert.manufacturer, advert.services)
            row = [round(at - start, 4), advert.address, advert.rssi_dbm, *said]
            heard[advert.receiver].append(row)
    return {
        "python": sys.version.split()[0],
        "counts": dict(scanner.counts),
        "adapters": {
            adapter: {"seconds": end - start, "adverts": adverts}
            for adapter, adverts in heard.items()
        },
    }


def main() -> None:
    """Listen as told, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", action="append", required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    heard = asyncio.run(listen(given.adapter, given.seconds))
    given.out.write_text(json.dumps(heard), encoding="utf-8")


if __name__ == "__main__":
    main()
