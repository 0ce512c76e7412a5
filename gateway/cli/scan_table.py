"""What a technician's scan shows: who is heard where, how strongly, and how often.

A tag is shown by its own id, never by a person's name; without the hub's registry by what it sends.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.model import AdapterStatus, Advert, Rejected, Trust
from gateway.tags.frames import FORMATS
from gateway.tags.frames.bthome import SealedBthome
from gateway.tags.frames.format import Frame

MOST_ROWS = 500
MOST_ADDRESSES = 5_000
RATE_OVER_S = 10.0
SILENT_AFTER_S = 10.0

WEAKEST_DBM, STRONGEST_DBM = -100, -40
BAR_WIDTH = 12
_BLOCKS = "▏▎▍▌▋▊▉█"
_ROTATING = "eid:"
_BATTERY = (("battery_percent", "{:.0f} %"), ("battery_v", "{:.2f} V"), ("voltage_v", "{:.2f} V"))


@dataclass(slots=True)
class Heard:
    """One tag at one receiver. `tag` is empty for who is not registered, or not known here."""

    tag: str
    identifier: str
    receiver: str
    rotates: bool = False
    adverts: int = 0
    last_dbm: int = 0
    last_at: float = 0.0
    times: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))
    powers_dbm: deque[int] = field(default_factory=lambda: deque(maxlen=100))

    def hear(self, rssi_dbm: int, now: float) -> None:
        """One more advert."""
        self.adverts += 1
        self.last_dbm, self.last_at = rssi_dbm, now
        self.times.append(now)
        self.powers_dbm.append(rssi_dbm)

    def per_s(self, now: float, since: float) -> float:
        """Adverts a second, of the last ten seconds or since the scan began."""
        while self.times and self.times[0] < now - RATE_OVER_S:
            self.times.popleft()
        return len(self.times) / max(min(RATE_OVER_S, now - since), 1.0)

    @property
    def trust(self) -> str:
        """How far the identity can be believed; empty where nobody registered it."""
        if not self.tag:
            return ""
        return (Trust.NATIVE if self.rotates else Trust.LOW).value


class ScanTable:
    """Takes adverts, gives the table and the summary. Times are of one monotonic clock.

    `know` says whose identifiers are; before it nobody can be told from a stranger, and all are
    shown. After it strangers are counted, and shown only with `strangers`.
    """

    def __init__(self, *, monotonic: Callable[[], float], strangers: bool) -> None:
        self.others: Counter[str] = Counter()
        self._monotonic = monotonic
        self._since = monotonic()
        self._strangers = strangers
        self._tag_of: Mapping[str, str] | None = None
        self._heard: OrderedDict[tuple[str, str], Heard] = OrderedDict()
        self._sender_at: OrderedDict[str, str] = OrderedDict()
        self._values: OrderedDict[str, dict[str, float]] = OrderedDict()

    def know(self, tag_of: Mapping[str, str]) -> None:
        """The registered identifiers, and the tag of each."""
        if self._tag_of is None:  # from now on a row has another name
            self._heard.clear()
        self._tag_of = tag_of

    def advert(self, advert: Advert, values: Mapping[str, float] | None = None) -> None:
        """One advert of a local adapter or a remote receiver, which may have read `values`."""
        frames = tuple(_frames(advert))
        for identifier in dict.fromkeys(_identifiers(frames, advert.address)):
            self._sighting(identifier, advert)
            self._sender_at[advert.address] = identifier
            self._sender_at.move_to_end(advert.address)
            _bound(self._sender_at, MOST_ADDRESSES)
        if not frames:
            self.others[advert.receiver] += 1
        told = {name: value for frame in frames for name, value in frame.values.items()}
        sender = self._sender_at.get(advert.address)
        if sender is not None and (told or values):
            who = (self._tag_of or {}).get(sender, "") or sender
            self._values.setdefault(who, {}).update(told | dict(values or {}))
            _bound(self._values, MOST_ROWS)

    def rows(self) -> tuple[Heard, ...]:
        """Who is heard: each receiver's strongest first."""
        return tuple(
            sorted(
                self._heard.values(),
                key=lambda heard: (heard.receiver, -median(heard.powers_dbm), heard.identifier),
            )
        )

    def drawn(
        self,
        adapters: Iterable[AdapterStatus],
        *,
        remarks: Iterable[str] = (),
        most: int = MOST_ROWS,
    ) -> Group:
        """For people; no more than `most` rows, and below them how the adapters are."""
        now = self._monotonic()
        rows = self.rows()
        table = Table("tag", "receiver", "RSSI", "dBm", "1/s", "battery", "trust", "last", box=None)
        for heard in rows[:most]:
            ago_s = now - heard.last_at
            table.add_row(
                escape(heard.tag or heard.identifier),
                escape(heard.receiver),
                bar(heard.last_dbm),
                str(heard.last_dbm),
                f"{heard.per_s(now, self._since):.1f}",
                self._battery(heard),
                heard.trust or "–",
                f"{ago_s:.0f} s",
                style="dim" if ago_s > SILENT_AFTER_S else None,
            )
        state = self._state(adapters, len(rows), most)
        return Group(table, *(Text(line) for line in (*state, *remarks)))

    def summary(self, adapters: Mapping[str, AdapterStatus]) -> dict[str, Any]:
        """For programs: what `drawn` shows, over the whole scan."""
        now = self._monotonic()
        return {
            "seconds": round(now - self._since, 1),
            "adapters": dict(adapters),
            "heard": [self._summed(heard, now) for heard in self.rows()],
            "others": dict(self.others),
        }

    def _sighting(self, identifier: str, advert: Advert) -> None:
        tag = "" if self._tag_of is None else self._tag_of.get(identifier, "")
        if not tag and self._tag_of is not None and not self._strangers:
            self.others[advert.receiver] += 1
            return
        key = (tag or identifier, advert.receiver)
        heard = self._heard.get(key)
        if heard is None:
            heard = self._heard[key] = Heard(tag, identifier, advert.receiver)
            _bound(self._heard, MOST_ROWS)
        self._heard.move_to_end(key)
        heard.identifier = identifier
        heard.rotates |= identifier.startswith(_ROTATING)
        heard.hear(advert.rssi_dbm, self._monotonic())

    def _battery(self, heard: Heard) -> str:
        values = self._values.get(heard.tag or heard.identifier, {})
        told = (form.format(values[name]) for name, form in _BATTERY if name in values)
        return next(told, "")

    def _summed(self, heard: Heard, now: float) -> dict[str, Any]:
        return {
            "tag": heard.tag or None,
            "identifier": None if heard.tag else heard.identifier,
            "receiver": heard.receiver,
            "adverts": heard.adverts,
            "per_s": round(heard.adverts / max(now - self._since, 1.0), 2),
            "rssi_dbm": median(heard.powers_dbm),
            "last_s": round(now - heard.last_at, 1),
            "trust": heard.trust or None,
            "values": self._values.get(heard.tag or heard.identifier, {}),
        }

    def _state(self, adapters: Iterable[AdapterStatus], rows: int, most: int) -> Iterator[str]:
        for status in adapters:
            mode = f" ({status.mode})" if status.mode else ""
            yield (
                f"{status.receiver}: {status.state}{mode}, {status.adverts_per_s:.0f} adverts/s"
                + (f"; {status.problem}: {status.remedy}" if status.problem else "")
            )
        if rows > most:
            yield f"{rows - most} more rows do not fit"
        others = sum(self.others.values())
        if others:
            yield f"{others} adverts of others"
        if self._tag_of is None:
            yield "The hub's registry is not here: nobody can be told from a stranger."


def _bound(known: OrderedDict[Any, Any], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def bar(rssi_dbm: int) -> str:
    """The strength as a bar: empty at −100 dBm, full at −40."""
    share = (rssi_dbm - WEAKEST_DBM) / (STRONGEST_DBM - WEAKEST_DBM)
    eighths = round(min(max(share, 0.0), 1.0) * BAR_WIDTH * len(_BLOCKS))
    whole, part = divmod(eighths, len(_BLOCKS))
    return _BLOCKS[-1] * whole + (_BLOCKS[part - 1] if part else "")


def _frames(advert: Advert) -> Iterator[Frame]:
    for format_ in FORMATS:
        for payload in format_.payloads(advert):
            frame = format_.decode(payload, advert.address)
            if not isinstance(frame, Rejected):
                yield frame


def _identifiers(frames: Iterable[Frame], address: str) -> Iterator[str]:
    for frame in frames:
        if isinstance(frame, SealedBthome):
            yield f"bthome:{address.lower()}"
        elif frame.identifier:
            yield frame.identifier
