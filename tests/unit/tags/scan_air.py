"""Adapters whose faults are set by the test, and a clock that runs only as told."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback

from gateway.model import Advert, Condition, ReceiverEvent
from gateway.tags.scan import Scanner
from gateway.tags.scan_adverts import Begin
from gateway.tags.scan_bluez import OnChange
from gateway.tags.scan_watch import Patience

FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
TAGS = 5
UTC_AHEAD_S = 1_795_000_000.0


@dataclass
class AirScan:
    """A scan that runs until its adapter fails."""

    air: "Air"
    adapter: str
    mode: str = "both"

    async def stop(self) -> None:
        self.air.callbacks.pop(self.adapter, None)
        self.air.steps[self.adapter].append("stop")
        if self.air.stop_error is not None:
            raise self.air.stop_error


@dataclass
class Air:
    """The radio of all adapters, and time itself. Each second `rates` adverts of 5 tags are heard.

    `errors` are what the next starts of an adapter raise; `mended_by` says which step makes a
    silent adapter hear again, and at which count of it.
    """

    adapters: dict[str, str]
    patience: Patience = field(default_factory=Patience)
    power_cycle_allowed: bool = True
    now: float = 100.0
    rates: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    errors: defaultdict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    mended_by: dict[str, tuple[str, int]] = field(default_factory=dict)
    power_error: Exception | None = None
    stop_error: Exception | None = None
    with_rssi: bool = True
    connected: bool = True
    closed: bool = False
    steps: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    opened_at: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    heard: list[Advert] = field(default_factory=list)
    events: list[ReceiverEvent] = field(default_factory=list)
    callbacks: dict[str, AdvertisementDataCallback] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiters: list[tuple[float, asyncio.Future[None]]] = []
        self._on_change: OnChange | None = None
        self.scanner = Scanner(
            self.adapters,
            self.heard.append,
            utc=lambda: UTC_AHEAD_S + self.now,
            monotonic=lambda: self.now,
            on_event=self.events.append,
            power_cycle=self.power_cycle_allowed,
            patience=self.patience,
            open_radio=self.open_radio,
            wait=self.wait,
        )

    # --- the radio ----------------------------------------------------------------------------

    def open_radio(self, adapters: frozenset[str], on_change: OnChange) -> "Air":
        assert adapters == frozenset(self.adapters)
        self._on_change = on_change
        return self

    def close(self) -> None:
        self.closed = True

    async def open(self, adapter: str, begin: Begin) -> AirScan:
        self._step(adapter, "open")
        self.opened_at[adapter].append(self.now)
        if self.errors[adapter]:
            raise self.errors[adapter].pop(0)
        self.callbacks[adapter] = begin(frozenset())
        return AirScan(self, adapter)

    async def power_cycle(self, adapter: str) -> None:
        if self.power_error is not None:
            raise self.power_error
        self._step(adapter, "power")

    def _step(self, adapter: str, step: str) -> None:
        self.steps[adapter].append(step)
        if self.mended_by.get(adapter) == (step, self.steps[adapter].count(step)):
            self.rates[adapter] = 5

    def change(self, adapter: str, *, here: bool) -> None:
        """BlueZ tells of an adapter, or of all ("")."""
        assert self._on_change is not None
        self._on_change(adapter, here=here)

    # --- time ---------------------------------------------------------------------------------

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (self.now + seconds, future)
        self._waiters.append(waiter)
        done, pending = await asyncio.wait(
            {asyncio.ensure_future(event.wait()), future}, return_when=asyncio.FIRST_COMPLETED
        )
        assert done
        for task in pending:
            task.cancel()
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    async def settle(self) -> None:
        """Let every task do what it can do without time."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def pass_s(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.now + seconds
        await self.settle()
        while self._waiters and (first := min(at for at, _ in self._waiters)) <= until:
            self._hear(first - self.now)
            self.now = first
            for at, future in list(self._waiters):
                if at <= first and not future.done():
                    future.set_result(None)
            await self.settle()
        self.now = until

    def _hear(self, seconds: float) -> None:
        for adapter, callback in self.callbacks.items():
            for count in range(round(self.rates[adapter] * seconds)):
                number = count % TAGS
                callback(
                    BLEDevice(f"C0:00:00:00:00:{number:02X}", None, {}),
                    detection(number=number, rssi=-70 - number if self.with_rssi else None),
                )

    def conditions(self, receiver: str) -> list[tuple[Condition, bool]]:
        """What was told of a receiver: each condition, and whether it was its end."""
        return [
            (event.condition, event.over) for event in self.events if event.receiver == receiver
        ]


def detection(
    *,
    number: int = 0,
    rssi: int | None = -70,
    services: dict[str, bytes] | None = None,
    manufacturer: dict[int, bytes] | None = None,
) -> AdvertisementData:
    """What bleak calls back with where BlueZ has sent all of it just now.

    Give the same objects again for what BlueZ did not send again; every call makes a new `rssi`.
    """
    said = {
        "RSSI": None if rssi is None else fresh(rssi),
        "ServiceData": {FEAA: b"\x00\xee"} if services is None else services,
        "ManufacturerData": {} if manufacturer is None else manufacturer,
    }
    if rssi is None:
        del said["RSSI"]
    return bleak_data(f"/org/bluez/hci0/dev_{number}", said)


def fresh(number: int) -> int:
    """A number that is an object of its own, as D-Bus gives it."""
    return int(str(number))


def bleak_data(path: str, said: dict[str, object]) -> AdvertisementData:
    """bleak's packing of a device's properties."""
    rssi = said.get("RSSI", -127)
    services, manufacturer = said.get("ServiceData", {}), said.get("ManufacturerData", {})
    assert isinstance(rssi, int)
    assert isinstance(services, dict)
    assert isinstance(manufacturer, dict)
    return AdvertisementData(
        local_name=None,
        manufacturer_data=manufacturer,
        service_data=services,
        service_uuids=[],
        tx_power=None,
        rssi=rssi,
        platform_data=(path, said),
    )
