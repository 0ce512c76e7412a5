"""Whether an adapter hears what is sent: near tags heard far more seldom than tags send.

A controller that filters duplicates lets one advert of each address through in ten seconds, and
nothing else shows it. So a few near senders are watched for a minute at a time. Their heard share
is (adverts − 1) × interval ÷ (last − first). Only formats that tags send are counted, since of
other devices the interval is not known; only near ones, since far ones are lost by distance; and
the median of several decides, since one may be slow, or walk away.

Tags at rest send as seldom as a filter lets them through, but each at its own time. The filter
forgets all addresses at once, so that what it lets through comes together, and then nothing of
anybody for nine seconds. So most of the minute must also be quiet: in gaps of more than five
seconds between adverts of any of them. Behind a filter that is 0.8 to 0.9 of it; of five tags that
rest, each sending at its own time of ten seconds, it is so once in a hundred cases.
"""

from itertools import pairwise
from statistics import median

from gateway.model import Advert

NEAR_DBM = -75
WINDOW_S = 60.0
LEAST_SPAN_S = 30.0  # of a sender that was there for less, nothing can be said
LEAST_SENDERS = 4
MOST_SENDERS = 32
MOST_TIMES = 64
LOSES_BELOW, HEARS_ABOVE = 0.25, 0.5
QUIET_GAP_S = 5.0
QUIET_ABOVE, LIVELY_BELOW = 0.8, 0.5

_APPLE = 0x004C
_IBEACON = b"\x02\x15"
_ALTBEACON = b"\xbe\xac"
_EDDYSTONE = "feaa"


class Losses:
    """The heard share of one adapter. Times are of one monotonic clock.

    `tag_interval_s` is the interval at which moving tags of the site advertise. `share` is that of
    the last minute with enough senders, None before.
    """

    def __init__(self, *, tag_interval_s: float) -> None:
        self.share: float | None = None
        self.losing = False
        self._interval_s = tag_interval_s
        self._window_since: float | None = None
        self._senders: dict[str, _Sender] = {}

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
        senders = [sender for sender in self._senders.values() if sender.tells]
        self.restart(now)
        if len(senders) < LEAST_SENDERS:
            return False
        self.share = median(sender.share(self._interval_s) for sender in senders)
        quiet = _quiet([at for sender in senders for at in sender.times])
        if self.losing:
            losing = self.share < HEARS_ABOVE and quiet > LIVELY_BELOW
        else:
            losing = self.share < LOSES_BELOW and quiet > QUIET_ABOVE
        changed, self.losing = losing != self.losing, losing
        return changed


class _Sender:
    __slots__ = ("_adverts", "_last", "_rssi_sum", "times")

    def __init__(self, rssi_dbm: int, now: float) -> None:
        self.times = [now]
        self._adverts = 1
        self._last = now
        self._rssi_sum = rssi_dbm

    def hear(self, rssi_dbm: int, now: float) -> None:
        self._adverts += 1
        self._last = now
        self._rssi_sum += rssi_dbm
        if len(self.times) < MOST_TIMES:
            self.times.append(now)

    @property
    def tells(self) -> bool:
        """Whether it was there for long enough, and near for all of it."""
        span_s = self._last - self.times[0]
        return span_s >= LEAST_SPAN_S and self._rssi_sum >= NEAR_DBM * self._adverts

    def share(self, interval_s: float) -> float:
        return min((self._adverts - 1) * interval_s / (self._last - self.times[0]), 1.0)


def _quiet(times: list[float]) -> float:
    """The share of the time that lies in gaps between adverts of whomever."""
    ordered = sorted(times)
    gaps_s = (later - earlier for earlier, later in pairwise(ordered))
    return sum(gap_s for gap_s in gaps_s if gap_s > QUIET_GAP_S) / (ordered[-1] - ordered[0])


def _of_a_tag(advert: Advert) -> bool:
    return (
        _EDDYSTONE in advert.services
        or advert.manufacturer.get(_APPLE, b"").startswith(_IBEACON)
        or any(data.startswith(_ALTBEACON) for data in advert.manufacturer.values())
    )
