"""Whether an adapter hears what is sent: near tags heard far more seldom than tags send.

A controller that filters duplicates lets one advert of each address through in ten seconds, and
nothing else shows it. So a few near senders are counted for a minute at a time: their heard share
is (adverts − 1) × interval ÷ (last − first). Only formats that tags send are counted, since of
other devices the interval is not known; only near ones, since far ones are lost by distance; and it
takes the median of several, since one may be slow, or may have walked away.
"""

from collections import OrderedDict
from statistics import median

from gateway.model import Advert

NEAR_DBM = -75
WINDOW_S = 60.0
LEAST_SPAN_S = 30.0  # of a sender that was there for less, nothing can be said
LEAST_SENDERS = 3
MOST_SENDERS = 32
LOSES_BELOW = 0.25
HEARS_ABOVE = 0.5

_APPLE = 0x004C
_IBEACON = b"\x02\x15"
_ALTBEACON = b"\xbe\xac"
_EDDYSTONE = "feaa"


class Losses:
    """The heard share of one adapter. Times are of one monotonic clock.

    `tag_interval_s` is the longest interval at which tags of the site advertise.
    """

    def __init__(self, *, tag_interval_s: float) -> None:
        self.share: float | None = None
        self.losing = False
        self._interval_s = tag_interval_s
        self._window_since: float | None = None
        self._senders: dict[str, _Sender] = {}
        self._shares: OrderedDict[str, float] = OrderedDict()

    def hear(self, advert: Advert, now: float) -> None:
        """One advert; most are passed over at once."""
        sender = self._senders.get(advert.address)
        if sender is not None:
            sender.hear(advert.rssi_dbm, now)
        elif (
            advert.rssi_dbm >= NEAR_DBM and len(self._senders) < MOST_SENDERS and _of_a_tag(advert)
        ):
            self._senders[advert.address] = _Sender(advert.rssi_dbm, now)

    def restart(self, now: float) -> None:
        """The scan begins anew: what it was deaf for is nobody's loss."""
        self._senders.clear()
        self._window_since = now

    def look(self, now: float) -> bool:
        """Close the window where it is over; whether `losing` has changed."""
        if self._window_since is None or now - self._window_since < WINDOW_S:
            return False
        for address, sender in self._senders.items():
            share = sender.share(self._interval_s)
            if share is not None:
                self._shares[address] = share
                self._shares.move_to_end(address)
        while len(self._shares) > MOST_SENDERS:
            self._shares.popitem(last=False)
        self.restart(now)
        return self._judge()

    def _judge(self) -> bool:
        if len(self._shares) < LEAST_SENDERS:
            return False
        self.share = median(self._shares.values())
        losing = self.share < (HEARS_ABOVE if self.losing else LOSES_BELOW)
        changed, self.losing = losing != self.losing, losing
        if changed:
            self._shares.clear()
        return changed


class _Sender:
    __slots__ = ("_adverts", "_first", "_last", "_rssi_sum")

    def __init__(self, rssi_dbm: int, now: float) -> None:
        self._adverts = 1
        self._first = self._last = now
        self._rssi_sum = rssi_dbm

    def hear(self, rssi_dbm: int, now: float) -> None:
        self._adverts += 1
        self._last = now
        self._rssi_sum += rssi_dbm

    def share(self, interval_s: float) -> float | None:
        span_s = self._last - self._first
        if span_s < LEAST_SPAN_S or self._rssi_sum < NEAR_DBM * self._adverts:
            return None
        return min((self._adverts - 1) * interval_s / span_s, 1.0)


def _of_a_tag(advert: Advert) -> bool:
    return (
        _EDDYSTONE in advert.services
        or advert.manufacturer.get(_APPLE, b"").startswith(_IBEACON)
        or any(data.startswith(_ALTBEACON) for data in advert.manufacturer.values())
    )
