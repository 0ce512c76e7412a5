import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import structlog
from bleak.exc import BleakDBusError, BleakError

from gateway.model import Advert, Condition
from gateway.tags.scan import Scanner
from gateway.tags.scan_bluez import InUseError
from gateway.tags.scan_watch import Patience
from tests.unit.tags.scan_air import UTC_AHEAD_S, Air

ONE = {"hci0": "pole-01"}
TWO = {"hci0": "pole-01", "hci1": "pole-02"}

DOWN, DEAF, LOSES = Condition.DOWN, Condition.HEARS_NOTHING, Condition.LOSES_ADVERTS


@asynccontextmanager
async def scanning(air: Air) -> AsyncIterator[Scanner]:
    task = asyncio.ensure_future(air.scanner.run())
    await air.settle()
    yield air.scanner
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert air.closed


async def test_an_advert_is_handed_on_in_our_words() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 1
    async with scanning(air) as scanner:
        await air.pass_s(1.0)
    assert air.heard == [
        Advert(
            at=UTC_AHEAD_S + 100.0,
            receiver="pole-01",
            address="C0:00:00:00:00:00",
            rssi_dbm=-70,
            manufacturer={},
            services={"feaa": b"\x00\xee"},
        )
    ]
    assert scanner.counts["adverts"] == 1


async def test_the_status_says_how_an_adapter_scans_and_what_it_hears() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 20
    async with scanning(air) as scanner:
        await air.pass_s(60.0)
        status = scanner.statuses()["hci0"]
        assert (status.receiver, status.state, status.mode) == ("pole-01", "scanning", "both")
        assert abs(status.adverts_per_s - 20.0) < 0.1
        assert status.last_advert_s == 0.0
        assert (status.restarts, status.problem, status.remedy) == (0, "", "")
    assert scanner.statuses()["hci0"].mode == ""


async def test_without_adapters_there_is_nothing_to_run() -> None:
    await Scanner({}, lambda _: None, utc=lambda: 0.0).run()


# --- the ladder -----------------------------------------------------------------------------


async def test_a_silent_adapter_gets_a_new_scan_then_a_power_cycle_then_is_told() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 5
    async with scanning(air) as scanner:
        await air.pass_s(10.0)
        air.rates["hci0"] = 0
        await air.pass_s(29.0)
        assert air.steps["hci0"] == ["open"]
        assert scanner.running == {"pole-01"}
        await air.pass_s(2.0)
        assert air.steps["hci0"] == ["open", "stop", "open"]
        assert scanner.running == frozenset(), "its silence no longer says anything"
        await air.pass_s(31.0)
        assert air.steps["hci0"][3:] == ["stop", "power", "open"]
        assert air.events == []
        await air.pass_s(500.0)
        assert air.events == [], "it may be a quiet night"
        assert air.steps["hci0"].count("power") == 1
        await air.pass_s(450.0)
        assert air.conditions("pole-01") == [(DEAF, False)]
        status = scanner.statuses()["hci0"]
        assert status.state == "scanning"
        assert "nothing heard for" in status.problem
        assert "systemctl restart bluetooth" in status.remedy


async def test_a_new_scan_that_hears_ends_the_ladder_and_it_begins_at_its_foot_again() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 5
    air.mended_by["hci0"] = ("open", 2)
    async with scanning(air) as scanner:
        for _ in range(3):
            await air.pass_s(10.0)
            assert scanner.running == {"pole-01"}
            air.mended_by["hci0"] = ("open", air.steps["hci0"].count("open") + 1)
            air.rates["hci0"] = 0
            await air.pass_s(35.0)
        assert "power" not in air.steps["hci0"]
        assert scanner.counts["silent_new_scan"] == 3
        assert scanner.statuses()["hci0"].restarts == 3
    assert air.events == []


async def test_a_told_adapter_that_hears_again_is_told_once_more() -> None:
    air = Air(ONE)
    air.mended_by["hci0"] = ("power", 3)
    async with scanning(air) as scanner:
        await air.pass_s(3600.0)
        assert air.conditions("pole-01") == [(DEAF, False), (DEAF, True)]
        assert scanner.statuses()["hci0"].problem == ""


async def test_an_adapter_that_never_heard_anybody_says_nothing_by_its_silence() -> None:
    air = Air(ONE)
    async with scanning(air) as scanner:
        await air.pass_s(10.0)
        assert scanner.statuses()["hci0"].state == "scanning"
        assert scanner.running == frozenset()
        air.rates["hci0"] = 5
        await air.pass_s(2.0)
        assert scanner.running == {"pole-01"}


async def test_an_empty_place_is_tried_ever_more_seldom_and_never_given_up() -> None:
    air = Air(ONE, patience=Patience(tick_s=10.0))
    async with scanning(air):
        await air.pass_s(24 * 3600.0)
        opened = air.opened_at["hci0"]
        waits = [after - before for before, after in pairwise(opened)]
        assert waits[:5] == [60.0, 60.0, 60.0, 120.0, 240.0]
        assert max(waits) == 3600.0
        assert waits[-1] == 3600.0
    assert air.conditions("pole-01") == [(DEAF, False)]


async def test_adverts_without_their_rssi_are_silence_and_the_status_says_so() -> None:
    air = Air(ONE, with_rssi=False)
    air.rates["hci0"] = 5
    async with scanning(air) as scanner:
        await air.pass_s(200.0)
        assert "without their RSSI" in scanner.statuses()["hci0"].problem
        assert scanner.counts["no_rssi"] > 500
    assert air.heard == []


async def test_power_is_left_alone_where_another_program_is_connected() -> None:
    air = Air(ONE, power_error=InUseError("a device is connected through hci0"))
    async with scanning(air) as scanner:
        await air.pass_s(200.0)
        assert scanner.counts["power_cycle_failed"] > 0
        assert air.steps["hci0"].count("open") == 4, "a new scan comes all the same"


async def test_a_scan_that_only_looks_on_leaves_the_power_alone() -> None:
    air = Air(ONE, power_cycle_allowed=False)
    async with scanning(air):
        await air.pass_s(1000.0)
        assert set(air.steps["hci0"]) == {"open", "stop"}


# --- starts that fail -----------------------------------------------------------------------


async def test_an_adapter_that_fails_is_tried_again_ever_more_rarely() -> None:
    air = Air(ONE)
    air.errors["hci0"] = [FileNotFoundError(2, "No such file") for _ in range(8)]
    async with scanning(air) as scanner:
        await air.pass_s(300.0)
        opened = air.opened_at["hci0"]
        waits = [after - before for before, after in pairwise(opened)]
        assert waits[:8] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
        assert scanner.counts["no_dbus"] == 8
    assert air.conditions("pole-01") == [(DOWN, False), (DOWN, True)]


async def test_a_short_failure_is_told_to_nobody() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 1
    air.errors["hci0"] = [OSError(), OSError()]
    async with scanning(air):
        await air.pass_s(20.0)
    assert air.events == []


async def test_the_same_problem_is_logged_once_and_another_one_again() -> None:
    air = Air(ONE)
    air.errors["hci0"] = [OSError(), OSError(), BleakError("adapter 'hci0' not found")]
    with structlog.testing.capture_logs() as logs:
        async with scanning(air):
            await air.pass_s(15.0)
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 2
    assert "no Bluetooth adapter hci0" in warnings[1]["problem"]
    assert "other receivers go on" in warnings[1]["event"]


async def test_an_adapter_that_is_off_is_switched_on() -> None:
    air = Air(ONE)
    air.errors["hci0"] = [BleakDBusError("org.bluez.Error.NotReady", [])]
    async with scanning(air) as scanner:
        assert scanner.statuses()["hci0"].problem == "the adapter is powered off"
        await air.pass_s(2.0)
        assert air.steps["hci0"] == ["open", "power", "open"]


async def test_a_refused_start_is_tried_twice_before_the_power() -> None:
    air = Air(ONE)
    air.errors["hci0"] = [BleakDBusError("org.bluez.Error.InProgress", []) for _ in range(2)]
    async with scanning(air):
        await air.pass_s(10.0)
    assert air.steps["hci0"][:4] == ["open", "open", "power", "open"]


async def test_a_scan_that_does_not_stop_cleanly_is_counted_and_started_anew() -> None:
    air = Air(ONE, stop_error=BleakDBusError("org.bluez.Error.Failed", []))
    async with scanning(air) as scanner:
        await air.pass_s(61.0)
        assert air.steps["hci0"] == ["open", "stop", "open"]
        assert scanner.counts["stop_failed"] == 1


# --- what BlueZ tells at once -----------------------------------------------------------------


async def test_an_adapter_that_goes_and_comes_is_scanned_with_again_at_once() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 5
    async with scanning(air) as scanner:
        await air.pass_s(5.0)
        air.errors["hci0"] = [BleakError("adapter 'hci0' not found") for _ in range(3)]
        air.change("hci0", here=False)
        await air.pass_s(10.0)
        assert scanner.statuses()["hci0"].state == "waiting"
        assert scanner.running == frozenset()
        air.errors["hci0"].clear()
        air.change("hci0", here=True)
        await air.settle()
        assert scanner.statuses()["hci0"].state == "scanning"
    assert air.opened_at["hci0"][-1] == 115.0


async def test_a_restarted_bluetoothd_and_a_lost_bus_end_every_scan() -> None:
    air = Air(TWO)
    air.rates.update({"hci0": 5, "hci1": 5})
    async with scanning(air) as scanner:
        air.change("", here=False)
        await air.settle()
        assert [steps.count("open") for steps in air.steps.values()] == [2, 2]
        await air.pass_s(5.0)
        air.connected = False
        await air.pass_s(1.0)
        air.connected = True
        await air.pass_s(5.0)
        assert [steps.count("open") for steps in air.steps.values()] == [3, 3]
        assert scanner.counts["gone"] == 4
        assert scanner.running == {"pole-01", "pole-02"}


async def test_what_is_heard_soon_after_an_outage_does_not_make_the_watchdog_patient() -> None:
    air = Air(ONE)
    air.rates["hci0"] = 5
    async with scanning(air):
        await air.pass_s(5.0)
        air.errors["hci0"] = [BleakError("adapter 'hci0' not found") for _ in range(9)]
        air.change("hci0", here=False)
        await air.pass_s(400.0)
        air.errors["hci0"].clear()
        air.change("hci0", here=True)
        await air.pass_s(60.0)
        air.rates["hci0"] = 0
        before = air.steps["hci0"].count("open")
        await air.pass_s(32.0)
        assert air.steps["hci0"].count("open") == before + 1


# --- each for itself ----------------------------------------------------------------------------


async def test_a_failing_adapter_takes_nothing_from_the_other() -> None:
    air = Air(TWO)
    air.rates["hci1"] = 5
    air.errors["hci0"] = [BleakError("adapter 'hci0' not found") for _ in range(99)]
    async with scanning(air) as scanner:
        await air.pass_s(600.0)
        assert scanner.running == {"pole-02"}
        assert air.steps["hci1"] == ["open"]
        assert air.conditions("pole-02") == []
        assert len(air.heard) == 5 * 600
        assert scanner.statuses()["hci1"].restarts == 0
    assert air.conditions("pole-01") == [(DOWN, False)]


async def test_tags_heard_far_more_seldom_than_they_send_are_told() -> None:
    air = Air(ONE, patience=Patience(tick_s=10.0))
    async with scanning(air) as scanner:
        air.rates["hci0"] = 0.5  # each of 5 tags once in ten seconds: a duplicate filter
        await air.pass_s(70.0)
        assert air.conditions("pole-01") == [(LOSES, False)]
        assert "of what near tags send" in scanner.statuses()["hci0"].problem
        air.rates["hci0"] = 4.0
        await air.pass_s(130.0)
        assert scanner.statuses()["hci0"].problem == ""
    assert air.conditions("pole-01") == [(LOSES, False), (LOSES, True)]
