"""What bleak calls back with, as adverts: of each only what it carried itself, with its own RSSI.

BlueZ keeps what it knows of a device and tells what changes; bleak gives the whole of it with every
change. So old service data come again with a later advert's RSSI, and an old RSSI with new data.
What BlueZ has not sent again is still the very same object in bleak's properties, and what it sent
is a new one, even where it is equal: by that the two are told apart. With `DuplicateData` BlueZ
sends again all that an advert carries.
"""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback

from gateway.model import Advert
from gateway.tags.frames.ad import short_uuid

# Of each generation of devices; the two together bound the memory, however many pass by.
REMEMBERED = 8192
# Python keeps one object for each small number, so that sameness says nothing. No receiver is that
# near, and 127 means that the controller does not know.
STRONGEST_DBM = -6

Begin = Callable[[frozenset[str]], AdvertisementDataCallback]
"""Called as a scan begins, with the devices that BlueZ knows already; gives bleak's callback."""

_short_uuid = lru_cache(maxsize=1024)(short_uuid)


_Properties = tuple[Any, Any, Any]
"""A device's RSSI, ServiceData and ManufacturerData as bleak last gave them: for comparing by
identity."""


class Adverts:
    """The callbacks of one scan. `heard` counts adverts with their own RSSI, `blind` the others."""

    def __init__(
        self,
        receiver: str,
        on_advert: Callable[[Advert], None],
        *,
        utc: Callable[[], float],
        counts: Counter[str],
    ) -> None:
        self.heard = 0
        self.blind = 0
        self._receiver = receiver
        self._on_advert = on_advert
        self._utc = utc
        self._counts = counts
        self._last: dict[str, _Properties] = {}
        self._older: dict[str, _Properties] = {}
        self._repeats = False
        self._existing: frozenset[str] = frozenset()

    def begin(self, existing: frozenset[str]) -> AdvertisementDataCallback:
        """The callback of a scan. Of the first word of an existing device nobody knows what is old,
        so it is left out."""
        self._existing = existing
        return self.take

    def take(self, device: BLEDevice, data: AdvertisementData) -> None:
        """bleak's callback."""
        path, said = data.platform_data
        rssi = said.get("RSSI")
        now = (rssi, said.get("ServiceData"), said.get("ManufacturerData"))
        before = self._last.get(path) or self._older.get(path)
        self._remember(path, now)
        if before is None and path in self._existing:
            self._leave_out("first_word")
        elif rssi is None or rssi > STRONGEST_DBM:
            self._leave_out("no_rssi")
        elif before is None:
            self._pass_on(device, data, services=True, manufacturer=True)
        elif rssi is before[0]:
            self._leave_out("old_rssi")
        else:
            self._changed(device, data, before, now)

    def _changed(
        self, device: BLEDevice, data: AdvertisementData, before: _Properties, now: _Properties
    ) -> None:
        services, manufacturer = now[1] is not before[1], now[2] is not before[2]
        if services or manufacturer:
            if not self._repeats:
                self._repeats = (services and now[1] == before[1]) or (
                    manufacturer and now[2] == before[2]
                )
            self._pass_on(device, data, services=services, manufacturer=manufacturer)
        elif self._repeats:
            self.heard += 1
            self._counts["bare"] += 1
        else:  # a BlueZ that has not yet shown that it repeats: better merged than lost
            self._counts["merged"] += 1
            self._pass_on(device, data, services=True, manufacturer=True)

    def _pass_on(
        self, device: BLEDevice, data: AdvertisementData, *, services: bool, manufacturer: bool
    ) -> None:
        self.heard += 1
        self._counts["adverts"] += 1
        short: dict[str, bytes] = {}
        if services:
            for uuid, value in data.service_data.items():
                name = _short_uuid(uuid)
                if name is not None:
                    short[name] = value
        self._on_advert(
            Advert(
                at=self._utc(),
                receiver=self._receiver,
                address=device.address,
                rssi_dbm=data.rssi,
                manufacturer=data.manufacturer_data if manufacturer else {},
                services=short,
            )
        )

    def _leave_out(self, why: str) -> None:
        self.blind += 1
        self._counts[why] += 1

    def _remember(self, path: str, properties: _Properties) -> None:
        if len(self._last) >= REMEMBERED and path not in self._last:
            self._older, self._last = self._last, {}
        self._last[path] = properties
