"""A controller that filters duplicates, under a BlueZ without monitors: found out by what is heard.

All clocks run ten times as fast as ours, those of the simulated BlueZ too.
"""

import asyncio
import time

from firmware_sim.bluez.beacons import Beacon
from firmware_sim.bluez.habits import Duplicates

from gateway.model import Condition, ReceiverEvent
from gateway.tags.scan import Scanner
from gateway.tags.scan_watch import Patience
from tests.integration.bluez_rig import on_air, simulated_bluez

HURRY = 10.0
INTERVAL_S = 1.0
BEACONS = tuple(Beacon(number) for number in range(6))
WATCHED_S = 75.0


async def told(*, duplicates: Duplicates, monitors: bool) -> tuple[list[ReceiverEvent], str]:
    """The events of somewhat more than a minute, and what the status says to do."""
    events: list[ReceiverEvent] = []
    async with simulated_bluez(hurry=HURRY) as bluez:
        adapter = bluez.add_adapter("hci0", duplicates=duplicates, monitors=monitors)
        scanner = Scanner(
            {"hci0": "pole-1"},
            lambda _: None,
            utc=time.time,
            monotonic=lambda: HURRY * time.monotonic(),
            on_event=events.append,
            tag_interval_s=INTERVAL_S,
            patience=Patience(tick_s=0.05),
        )
        air = on_air([adapter], BEACONS, interval_s=INTERVAL_S / HURRY)
        async with air, asyncio.TaskGroup() as group:
            scanning = group.create_task(scanner.run(), name="scan")
            await asyncio.sleep(WATCHED_S / HURRY)
            remedy = scanner.statuses()["hci0"].remedy
            scanning.cancel()
    return events, remedy


async def test_a_duplicate_filter_is_found_out_in_a_minute_and_the_status_says_what_to_do() -> None:
    events, remedy = await told(duplicates="address", monitors=False)
    assert [(event.condition, event.over) for event in events] == [(Condition.LOSES_ADVERTS, False)]
    assert "--experimental" in remedy


async def test_with_monitors_the_same_controller_loses_nothing() -> None:
    assert await told(duplicates="address", monitors=True) == ([], "")
