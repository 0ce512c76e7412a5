"""Each fault of BlueZ under the gateway's own scanner: how soon it hears again, and who else does.

The watchdog's times are shortened by arguments; its logic is that of `Patience()`.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from dbus_fast import Variant
from firmware_sim.bluez.beacons import Beacon
from firmware_sim.bluez.simulated import SimulatedBluez

from gateway.model import Advert, Condition, ReceiverEvent
from gateway.tags.scan import Scanner
from gateway.tags.scan_watch import Patience
from tests.integration.bluez_rig import bluez, on_air

__all__ = ["bluez"]

BEACONS = tuple(Beacon(number) for number in range(5))
INTERVAL_S = 0.1
SHORT = Patience(
    first_s=1.5,
    least_s=1.5,
    most_s=2.0,
    report_s=0.0,
    quiet_most_s=2.0,
    soon_s=0.5,
    retry_first_s=0.5,
    retry_most_s=1.0,
    down_s=0.4,
    tick_s=0.05,
)
WITHIN_S = 30.0
SOON_S = 5.0


class Poles:
    """Two adapters of one gateway: the fault is hci0's, `pole-1`; hci1, `pole-2`, goes on."""

    def __init__(self, bluez: SimulatedBluez) -> None:
        self.bluez = bluez
        self.first = bluez.add_adapter("hci0")
        self.second = bluez.add_adapter("hci1", version=(5, 82), le_only=True)
        self.heard: Counter[str] = Counter()
        self.events: list[ReceiverEvent] = []
        self._advert = asyncio.Event()
        self._waits_for = ""
        self.scanner = Scanner(
            {"hci0": "pole-1", "hci1": "pole-2"},
            self._hear,
            utc=time.time,
            on_event=self.events.append,
            patience=SHORT,
        )

    def _hear(self, advert: Advert) -> None:
        self.heard[advert.receiver] += 1
        if advert.receiver == self._waits_for:
            self._advert.set()

    async def hears(self, receiver: str) -> float:
        """Wait for the next advert; returns the seconds until then."""
        since = time.monotonic()
        self._waits_for = receiver
        self._advert.clear()
        async with asyncio.timeout(WITHIN_S):
            await self._advert.wait()
        return time.monotonic() - since

    async def until(self, told: Callable[[], bool]) -> None:
        """Wait until something is true of the scanner."""
        async with asyncio.timeout(WITHIN_S):
            while not told():
                await self.scanner_moves()

    async def scanner_moves(self) -> None:
        """Some time of the watchdog."""
        await asyncio.sleep(SHORT.tick_s)

    def conditions(self) -> list[tuple[str, Condition, bool]]:
        return [(event.receiver, event.condition, event.over) for event in self.events]


@pytest.fixture
async def poles(bluez: SimulatedBluez) -> AsyncIterator[Poles]:
    """Both adapters scan, and hear five tags."""
    poles = Poles(bluez)
    air = on_air([poles.first, poles.second], BEACONS, interval_s=INTERVAL_S)
    async with air, asyncio.TaskGroup() as group:
        scanning = group.create_task(poles.scanner.run(), name="scan")
        await poles.hears("pole-1")
        await poles.hears("pole-2")
        yield poles
        scanning.cancel()


def told(fault: str, seconds: float) -> None:
    """The figure, for whoever runs the tests with -s."""
    sys.stdout.write(f"\n{fault}: hears again after {seconds:.2f} s\n")


async def nothing_else_stopped(poles: Poles, during: Callable[[], Awaitable[None]]) -> None:
    """The other adapter goes on hearing all that its BlueZ tells, by one and the same scan."""
    told_before, heard_before = poles.second.counts["told"], poles.heard["pole-2"]
    await during()
    told = poles.second.counts["told"] - told_before
    heard = poles.heard["pole-2"] - heard_before
    assert told > 0
    assert heard >= 0.95 * told - 2 * len(BEACONS)
    assert poles.scanner.statuses()["hci1"].restarts == 0
    assert not [event for event in poles.events if event.receiver == "pole-2"]


async def test_both_adapters_scan_with_monitors_and_say_so(poles: Poles) -> None:
    await poles.until(lambda: poles.scanner.running == {"pole-1", "pole-2"})
    for status in poles.scanner.statuses().values():
        assert (status.state, status.mode, status.problem) == ("scanning", "both", "")


async def test_an_adapter_pulled_out_and_put_in_again_is_heard_at_once(
    poles: Poles,
) -> None:
    async def pulled_out() -> None:
        poles.first.unplug()
        await poles.until(lambda: "no Bluetooth adapter" in problem(poles))
        assert poles.scanner.running == {"pole-2"}
        await poles.until(lambda: ("pole-1", Condition.DOWN, False) in poles.conditions())
        poles.first.plug()
        seconds = await poles.hears("pole-1")
        told("adapter put in again", seconds)
        assert seconds < SOON_S

    await nothing_else_stopped(poles, pulled_out)
    assert poles.conditions()[-1] == ("pole-1", Condition.DOWN, True)


async def test_a_restarted_bluetoothd_is_scanned_with_at_once(poles: Poles) -> None:
    await poles.bluez.kill()
    await poles.until(lambda: problem(poles) == "bluetoothd does not run")
    assert poles.scanner.running == frozenset()
    await poles.bluez.start()
    seconds = await poles.hears("pole-1")
    told("bluetoothd restarted", seconds)
    assert seconds < SOON_S
    await poles.hears("pole-2")


async def test_an_adapter_that_was_switched_off_is_switched_on(poles: Poles) -> None:
    async def off() -> None:
        poles.first.power(on=False)
        seconds = await poles.hears("pole-1")
        told("adapter switched off", seconds)
        assert poles.first.powered

    await nothing_else_stopped(poles, off)
    assert poles.scanner.counts["powered_off"] >= 1


async def test_a_stuck_discovery_is_healed_by_the_adapters_power(poles: Poles) -> None:
    async def stuck() -> None:
        poles.first.stick()
        seconds = await poles.hears("pole-1")
        told("discovery stuck (watchdog's times shortened to 1.5 s of silence)", seconds)

    await nothing_else_stopped(poles, stuck)
    assert poles.scanner.counts["silent_new_scan"] == 1
    assert poles.scanner.counts["power_cycles"] == 1
    assert poles.conditions() == []


async def test_what_no_step_heals_is_told_tried_for_ever_and_over_when_it_is(
    poles: Poles,
) -> None:
    async def stubborn() -> None:
        poles.first.stick(stubborn=True)
        await poles.until(lambda: ("pole-1", Condition.HEARS_NOTHING, False) in poles.conditions())
        assert "nothing heard" in problem(poles)
        assert "systemctl restart bluetooth" in poles.scanner.statuses()["hci0"].remedy
        tried = poles.scanner.statuses()["hci0"].restarts
        await poles.until(lambda: poles.scanner.statuses()["hci0"].restarts > tried)
        poles.first.unplug()
        poles.first.plug()
        told("stubborn adapter pulled out and put in", await poles.hears("pole-1"))
        await poles.until(lambda: problem(poles) == "")

    await nothing_else_stopped(poles, stubborn)
    assert poles.conditions()[-1] == ("pole-1", Condition.HEARS_NOTHING, True)


async def test_the_power_is_left_alone_while_another_program_is_connected(poles: Poles) -> None:
    device = next(iter(poles.first.devices.values()))
    device.properties["Connected"] = Variant("b", True)
    poles.first.stick()
    await poles.until(lambda: poles.scanner.counts["power_cycle_failed"] > 0)
    assert poles.first.powered
    assert poles.scanner.counts["power_cycles"] == 0
    device.properties["Connected"] = Variant("b", False)
    await poles.hears("pole-1")


async def test_adverts_without_their_rssi_are_not_passed_on_and_the_status_says_so(
    poles: Poles,
) -> None:
    async def without() -> None:
        poles.first.lose_rssi()
        await poles.until(lambda: "without their RSSI" in problem(poles))
        before = poles.heard["pole-1"]
        await poles.scanner_moves()
        assert poles.heard["pole-1"] == before
        poles.first.find_rssi()
        told("RSSI found again", await poles.hears("pole-1"))

    await nothing_else_stopped(poles, without)
    assert poles.scanner.counts["no_rssi"] > 0


def problem(poles: Poles) -> str:
    return poles.scanner.statuses()["hci0"].problem
