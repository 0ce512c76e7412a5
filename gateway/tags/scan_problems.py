"""Why an adapter does not scan, in words for the person who must do something."""

from collections.abc import Mapping
from dataclasses import dataclass

from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from dbus_fast.errors import DBusFastError

# All that bleak and dbus-fast raise where BlueZ, the bus or the adapter is at fault.
SCAN_ERRORS = (BleakError, DBusFastError, OSError, EOFError, ValueError, TimeoutError)

# bluetoothd can hang without an answer.
ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason to count, what a person should know, and what to do.

    `power_after`: the failures after which the adapter is switched off and on; 0: that helps not.
    """

    reason: str
    what: str
    remedy: str
    power_after: int = 0


_START_BLUETOOTHD = "systemctl enable --now bluetooth, or remove the adapter from edge.adapters"
_RESTART_BLUETOOTHD = "systemctl restart bluetooth"
_JOIN_GROUP = "add the user to group bluetooth"
_NO_BLUETOOTHD = Problem("no_bluetoothd", "bluetoothd does not run", _START_BLUETOOTHD)

_REFUSALS: Mapping[str, Problem] = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NoReply": Problem(
        "no_answer", "bluetoothd ended without an answer", _RESTART_BLUETOOTHD
    ),
    "org.freedesktop.DBus.Error.AccessDenied": Problem(
        "not_permitted", "D-Bus does not let this user scan", _JOIN_GROUP
    ),
    "org.bluez.Error.NotReady": Problem(
        "powered_off", "the adapter is powered off", "bluetoothctl power on", power_after=1
    ),
    "org.bluez.Error.Blocked": Problem(
        "blocked", "the adapter is switched off by rfkill", "rfkill unblock bluetooth"
    ),
    "org.bluez.Error.InProgress": Problem(
        "busy", "bluetoothd takes an old scan to be still on", _RESTART_BLUETOOTHD, power_after=2
    ),
}


def explain(error: Exception, adapter: str) -> Problem:
    """What an error of a scan's start means to the person who installs the gateway."""
    match error:
        case BleakBluetoothNotAvailableError():
            return Problem("not_permitted", str(error), _JOIN_GROUP)
        case BleakDBusError() if error.dbus_error in _REFUSALS:
            return _REFUSALS[error.dbus_error]
        case BleakDBusError():
            return Problem(
                "refused",
                f"bluetoothd refused: {error}",
                "see journalctl -u bluetooth",
                power_after=2,
            )
        case BleakError():
            return Problem(
                "no_adapter",
                f"no Bluetooth adapter {adapter} ({error})",
                "plug it in, or remove it from edge.adapters; see bluetoothctl list",
            )
        case TimeoutError():
            return Problem(
                "no_answer",
                f"bluetoothd gave no answer in {ANSWER_S:.0f} s",
                _RESTART_BLUETOOTHD,
                power_after=2,
            )
        case _:
            return Problem("no_dbus", f"the system D-Bus is not there ({error})", _START_BLUETOOTHD)


def hears_nothing(silent_s: float, *, without_rssi: bool) -> Problem:
    """An adapter that scans, and of which no advert comes that could be used."""
    if without_rssi:
        what = f"for {silent_s:.0f} s adverts come without their RSSI"
    else:
        what = f"nothing heard for {silent_s:.0f} s: deaf, or a place without any Bluetooth device"
    return Problem("hears_nothing", what, f"{_RESTART_BLUETOOTHD}; see journalctl -u bluetooth")


def loses_adverts(share: float, *, monitors: bool) -> Problem:
    """An adapter that hears of near tags only this share of what they send."""
    what = f"of what near tags send only {share:.0%} is heard"
    if monitors:
        remedy = "move the adapter or its antenna away from USB 3 and Wi-Fi; see other receivers"
    else:
        remedy = "start bluetoothd with --experimental: its controller filters duplicates"
    return Problem("loses_adverts", what, remedy)
