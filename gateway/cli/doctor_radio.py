"""What a doctor sees of the gateway's own Bluetooth adapters, which may be scanning."""

from collections.abc import Iterator, Mapping

from gateway.cli.doctor_words import Verdict, ill, well, worrying
from gateway.tags.scan_bluez import Bluez, Sight
from gateway.tags.scan_problems import SCAN_ERRORS, Problem, explain

_MONITORS = (
    "install systemd/bluetooth-monitors.conf (bluetoothd --experimental), "
    "then systemctl restart bluetooth"
)


async def adapter_verdicts(adapters: Mapping[str, str]) -> list[Verdict]:
    """Of each adapter (adapter → receiver) what BlueZ says of it."""
    if not adapters:
        return [well("adapters", "none named in edge.adapters")]
    bluez = Bluez(frozenset(adapters), _ignore)
    found: dict[str, Sight | Problem] = {}
    try:
        for adapter in adapters:
            try:
                found[adapter] = await bluez.look(adapter)
            except SCAN_ERRORS as error:
                found[adapter] = explain(error, adapter)
    finally:
        bluez.close()
    return [
        verdict
        for adapter, sight in found.items()
        for verdict in judge_adapter(adapter, sight, receiver=adapters[adapter])
    ]


def judge_adapter(adapter: str, sight: Sight | Problem, *, receiver: str) -> Iterator[Verdict]:
    """One adapter, as BlueZ shows it, or why it does not."""
    part = f"adapter {adapter}"
    if isinstance(sight, Problem):
        yield ill(part, sight.what, sight.remedy)
        return
    if not sight.powered:
        yield ill(part, "powered off", "bluetoothctl power on; rfkill unblock bluetooth")
    if not sight.monitors:
        what = "bluetoothd offers no monitors: some controllers let one advert of fifty through"
        yield worrying(part, what, _MONITORS)
    if sight.powered and sight.monitors:
        yield well(part, f"powered, with monitors; it is receiver {receiver}")


def _ignore(adapter: str, *, here: bool) -> None:
    pass
