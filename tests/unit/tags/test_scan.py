import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import structlog
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from gateway.model import Advert
from gateway.tags.scan import RETRY_FIRST_S, RETRY_MOST_S, SILENCE_S, Scanner, explain


def detection(*, rssi: int = -70) -> AdvertisementData:
    return AdvertisementData(
        local_name=None,
        manufacturer_data={0x004C: b"\x10\x05"},
        service_data={
            "0000feaa-0000-1000-8000-00805f9b34fb": b"\x30",
            "6e400001-b5a3-f393-e0a9-e50e24dcca9e": b"\x00",
        },
        service_uuids=[],
        tx_power=None,
        rssi=rssi,
        platform_data=(),
    )


@dataclass
class Radio:
    """An adapter whose fate is written beforehand, and a clock that runs when somebody sleeps.

    `starts` is what each start does: an error is raised, a list of counts gives the adverts heard
    before each sleep of the scan. The test ends with the last.
    """

    starts: list[Exception | list[int]]
    slept_s: list[float] = field(default_factory=list)
    heard: list[Advert] = field(default_factory=list)
    running: list[frozenset[str]] = field(default_factory=list)
    stopped: int = 0
    stop_error: Exception | None = None
    on_detection: AdvertisementDataCallback | None = None
    script: list[int] = field(default_factory=list)
    rssi: int = -70

    def __post_init__(self) -> None:
        self.over = asyncio.Event()
        self.scanner = Scanner(
            {"hci0": "pole-01"},
            self.heard.append,
            utc=lambda: 1_763_000_000.0,
            open_scan=self.open,
            sleep=self.sleep,
        )

    def open(self, adapter: str, on_detection: AdvertisementDataCallback) -> "Radio":
        assert adapter == "hci0"
        self.on_detection = on_detection
        return self

    async def start(self) -> None:
        if not self.starts:
            self.over.set()
            await asyncio.Event().wait()
        fate = self.starts.pop(0)
        if isinstance(fate, Exception):
            raise fate
        self.script = list(fate)

    async def stop(self) -> None:
        self.stopped += 1
        if self.stop_error is not None:
            raise self.stop_error

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.running.append(self.scanner.running)
        for _ in range(self.script.pop(0) if self.script else 0):
            assert self.on_detection is not None
            self.on_detection(BLEDevice("AA:BB:CC:DD:EE:FF", None, {}), detection(rssi=self.rssi))
        await asyncio.sleep(0)


async def play(radio: Radio) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(radio.scanner.run(), name="scanner")
        await radio.over.wait()
        task.cancel()


async def test_an_advert_is_handed_on_in_our_words() -> None:
    radio = Radio(starts=[[1]])
    await play(radio)
    assert radio.heard == [
        Advert(
            at=1_763_000_000.0,
            receiver="pole-01",
            address="AA:BB:CC:DD:EE:FF",
            rssi_dbm=-70,
            manufacturer={0x004C: b"\x10\x05"},
            services={"feaa": b"\x30"},
        )
    ]
    assert radio.scanner.counts["adverts"] == 1


async def test_an_advert_without_a_power_is_counted_and_left_out() -> None:
    radio = Radio(starts=[[1]], rssi=-127)
    await play(radio)
    assert radio.heard == []
    assert radio.scanner.counts["no_rssi"] == 1


async def test_a_receiver_is_running_only_while_its_adapter_scans() -> None:
    radio = Radio(starts=[BleakError("adapter 'hci0' not found"), [1, 0]])
    await play(radio)
    assert radio.running == [frozenset(), frozenset({"pole-01"}), frozenset({"pole-01"})]
    assert radio.scanner.running == frozenset()


async def test_a_silent_scan_is_stopped_and_started_anew_at_once() -> None:
    radio = Radio(starts=[[3, 2, 0], [1, 0]])
    await play(radio)
    assert radio.slept_s == [SILENCE_S] * 5
    assert radio.stopped == 2
    assert radio.scanner.counts["silent"] == 2


async def test_an_adapter_that_fails_is_tried_again_ever_more_rarely() -> None:
    radio = Radio(starts=[FileNotFoundError(2, "No such file")] * 7)
    await play(radio)
    assert radio.slept_s == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert (radio.slept_s[0], radio.slept_s[-1]) == (RETRY_FIRST_S, RETRY_MOST_S)
    assert radio.scanner.counts["no_dbus"] == 7


async def test_after_a_scan_the_next_failure_is_tried_again_soon() -> None:
    radio = Radio(starts=[OSError(), OSError(), [1, 0], OSError()])
    await play(radio)
    assert radio.slept_s == [2.0, 4.0, SILENCE_S, SILENCE_S, 2.0]


async def test_the_same_problem_is_told_once_and_another_one_again() -> None:
    radio = Radio(starts=[OSError(), OSError(), BleakError("adapter 'hci0' not found")])
    with structlog.testing.capture_logs() as logs:
        await play(radio)
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 2
    assert "no Bluetooth adapter hci0" in warnings[1]["problem"]
    assert "remote receivers go on" in warnings[1]["event"]


async def test_a_scan_that_does_not_stop_cleanly_is_counted_and_started_anew() -> None:
    radio = Radio(starts=[[1, 0], [1, 0]], stop_error=BleakDBusError("org.bluez.Error.Failed", []))
    await play(radio)
    assert radio.scanner.counts["stop_failed"] == 2


async def test_without_adapters_there_is_nothing_to_run() -> None:
    await Scanner({}, lambda _: None, utc=lambda: 0.0).run()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (lambda: FileNotFoundError(2, "No such file"), "no_dbus"),
        (lambda: ConnectionRefusedError(111, "Connection refused"), "no_dbus"),
        (EOFError, "no_dbus"),
        (lambda: ValueError("address did not contain a transport"), "no_dbus"),
        (TimeoutError, "no_answer"),
        (
            lambda: BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []),
            "no_bluetoothd",
        ),
        (lambda: BleakDBusError("org.bluez.Error.NotReady", []), "powered_off"),
        (lambda: BleakDBusError("org.bluez.Error.Failed", []), "refused"),
        (lambda: BleakError("adapter 'hci0' not found"), "no_adapter"),
        (
            lambda: BleakBluetoothNotAvailableError(
                "no", BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM
            ),
            "not_permitted",
        ),
    ],
)
def test_every_way_to_fail_has_a_reason_and_a_remedy(
    error: Callable[[], Exception], reason: str
) -> None:
    problem = explain(error(), "hci0")
    assert problem.reason == reason
    assert problem.what
    assert problem.remedy
