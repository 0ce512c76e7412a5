from collections.abc import Callable

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from dbus_fast.errors import AuthError

from gateway.tags.scan_problems import SCAN_ERRORS, explain, hears_nothing, loses_adverts


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (lambda: FileNotFoundError(2, "No such file"), "no_dbus"),
        (lambda: ConnectionRefusedError(111, "Connection refused"), "no_dbus"),
        (EOFError, "no_dbus"),
        (lambda: AuthError("refused"), "no_dbus"),
        (lambda: ValueError("address did not contain a transport"), "no_dbus"),
        (TimeoutError, "no_answer"),
        (lambda: BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), "no_bluetoothd"),
        (lambda: BleakDBusError("org.freedesktop.DBus.Error.NoReply", []), "no_answer"),
        (lambda: BleakDBusError("org.bluez.Error.NotReady", []), "powered_off"),
        (lambda: BleakDBusError("org.bluez.Error.Blocked", []), "blocked"),
        (lambda: BleakDBusError("org.bluez.Error.InProgress", []), "busy"),
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
    assert isinstance(error(), SCAN_ERRORS)
    problem = explain(error(), "hci0")
    assert problem.reason == reason
    assert problem.what
    assert problem.remedy


def test_power_is_no_remedy_for_what_is_not_the_adapters_fault() -> None:
    assert explain(BleakError("adapter 'hci0' not found"), "hci0").power_after == 0
    assert explain(OSError(), "hci0").power_after == 0
    assert explain(BleakDBusError("org.bluez.Error.NotReady", []), "hci0").power_after == 1


def test_silence_and_loss_say_what_to_do_where_it_can_be_known() -> None:
    assert "90 s" in hears_nothing(90.0, without_rssi=False).what
    assert "RSSI" in hears_nothing(90.0, without_rssi=True).what
    assert "--experimental" in loses_adverts(0.1, monitors=False).remedy
    assert "--experimental" not in loses_adverts(0.1, monitors=True).remedy
