"""Tags whose identifier rotates (Eddystone-EID): what was heard → the tag, and how sure that is.

`hear` is for the thread that writes the database. What takes longer, `prepare` and `search`, is for
a worker thread, and `replace` for any: they meet only in what one lock guards. docs/decisions/0020
says what an attacker can and cannot do.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, TypeVar

from gateway.model import Doubt
from gateway.tags import eid
from gateway.tags.rotation_clock import (
    REGISTERED_S,
    SLACK_S,
    Ahead,
    Change,
    ClockState,
    TagClock,
    TakenBack,
)
from gateway.tags.rotation_table import SPAN_S, Table, Wanted, is_eid, number_and_start, search

__all__ = ["ClockState", "Heard", "RotatingKey", "Rotation", "TakenBack"]

PREPARE_EVERY_S = 60.0  # at most, where something has changed
SEARCH_EVERY_S = 30.0  # at most
WIDE_S = 85 * 1024.0  # a battery change puts a clock back by a day at most
_AHEAD_OF_SPAN_S = SPAN_S / 2  # the next table is made so long before it is needed
_MOST_PAST = 2  # tables of the last minutes, for what comes a little late
_MOST_UNKNOWN = 16_384
_MOST_FOUND = 32_768
_WIDEST_SLOTS = 2_048  # of a wide search on either side: for tags that rotate each minute or less
_UNSUREST_S = 32_768.0  # of a clock in a table; it takes three years unheard to be less sure
_SPAN_OF_SEARCH_S = 86_400.0  # what was heard earlier than the newest by more waits for the next

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class RotatingKey:
    """A tag's key as registered: at `zero_at` (UTC) its clock stood at 0.

    Its identifier changes every 2**`exponent` seconds.
    """

    tag: str
    identity_key: bytes = field(repr=False)
    exponent: int
    zero_at: float


class Heard(NamedTuple):
    """Whose an identifier is. Where not `use`, the hearing is put aside: it is not the tag's way.

    `doubt` is for a flag: provisional (used or not), or a slot that is over.
    """

    tag: str
    use: bool
    doubt: Doubt | None


@dataclass(slots=True)
class _Tag:
    key: RotatingKey
    clock: TagClock
    sure: Heard


class Rotation:
    """The tags with rotating identifiers, and what their clocks show.

    `counts`: hearings that were closed_slot, provisional_identity or unknown; clocks adopted and
    taken_back; identifiers searched, found and unknown_dropped; tables, and collisions in them.
    """

    def __init__(self, keys: Iterable[RotatingKey] = (), clocks: Iterable[ClockState] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = Lock()
        self._tags: list[_Tag | None] = []  # by number, which is never given twice
        self._numbers: dict[str, int] = {}
        self._tables: Mapping[int, Table] = {}  # by span; replaced whole
        self._found: OrderedDict[str, int] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._nobodys: OrderedDict[str, None] = OrderedDict()
        self._prepared_at = self._searched_at = float("-inf")
        self._is_stale = True
        self._changed: set[int] = set()
        self._taken_back: list[TakenBack] = []
        self.replace(keys, clocks)

    def replace(self, keys: Iterable[RotatingKey], clocks: Iterable[ClockState] = ()) -> None:
        """The registry has changed. Tags with the same key keep their clocks."""
        stored = {clock.tag: clock for clock in clocks}
        with self._lock:
            gone = dict(self._numbers)
            for key in keys:
                number = gone.get(key.tag)
                known = None if number is None else self._tags[number]
                if known is not None and known.key == key:
                    del gone[key.tag]
                    continue
                self._numbers[key.tag] = len(self._tags)
                self._tags.append(_tag(key, stored.get(key.tag)))
                self._is_stale, self._prepared_at = True, float("-inf")
            for tag, number in gone.items():
                self._tags[number] = None
                if self._numbers[tag] == number:
                    del self._numbers[tag]
            if self._is_stale:
                self._nobodys.clear()

    def hear(self, identifier: str, at: float) -> Heard | None:
        """Whose `identifier` is, captured at `at`; None where it is nobody's, as far as we know.

        To be asked at each hearing: what was the tag's an hour ago is a recording now. What comes
        from a time for which there is no table is nobody's until `search` has found it.
        """
        named = self._named(identifier, int(at // SPAN_S))
        if named is None:
            return self._remember(identifier, at)
        number, start = number_and_start(named)
        tag = self._tags[number]
        if tag is None:  # of the registry no more
            return self._remember(identifier, at)
        with self._lock:
            doubt, change = tag.clock.hear(start, at)
            if change is not None:
                self._note(number, tag, change, at)
        if doubt is None:
            return tag.sure
        self.counts[doubt] += 1
        return Heard(tag.key.tag, doubt is Doubt.PROVISIONAL, doubt)

    def due(self, now: float) -> bool:
        """Whether `prepare` has something to do."""
        if self._is_stale and now - self._prepared_at >= PREPARE_EVERY_S:
            return True
        return not self._needed(now) <= self._tables.keys()

    def prepare(self, now: float) -> None:
        """Make the tables of the identifiers to be heard in the next minutes."""
        with self._lock:
            is_stale, self._is_stale = self._is_stale, False
        present = self._needed(now)
        for span in present:
            if is_stale or span not in self._tables:
                made = Table(self._wanted(span * SPAN_S, (span + 1) * SPAN_S))
                self.counts["tables"] += 1
                self.counts["collisions"] += made.collisions
                self._tables = {**self._tables, span: made}
        past = [span for span in self._tables if span not in present][-_MOST_PAST:]
        self._tables = {span: self._tables[span] for span in (*past, *present)}
        self._prepared_at = now

    def wants_search(self, now: float) -> bool:
        """Whether `search` has something to do, and may."""
        return bool(self._unknown) and now - self._searched_at >= SEARCH_EVERY_S

    def search(self, now: float) -> tuple[tuple[str, float], ...]:
        """Look among all slots of a day before and after for what is nobody's yet.

        What it finds, with the time when it was first heard: `hear` knows it from now on.
        """
        self._searched_at = now
        with self._lock:
            newest = max(self._unknown.values(), default=now)
            sought = {
                identifier: at
                for identifier, at in self._unknown.items()
                if newest - at <= _SPAN_OF_SEARCH_S
            }
        if not sought:
            return ()
        named = search(tuple(sought), self._wanted(min(sought.values()), newest, widened_s=WIDE_S))
        with self._lock:
            for identifier in sought:
                self._unknown.pop(identifier, None)
                if identifier in named:
                    _put(self._found, identifier, named[identifier], most=_MOST_FOUND)
                else:
                    _put(self._nobodys, identifier, None, most=_MOST_UNKNOWN)
        self.counts["searched"] += len(sought)
        self.counts["found"] += len(named)
        return tuple((identifier, sought[identifier]) for identifier in named)

    def beacon_times(self, tag: str, at: float) -> tuple[int, ...]:
        """What the tag's clock may show at `at`, the likeliest first, one of each slot.

        For frames that are sealed with it. Empty where the tag is not known.
        """
        number = self._numbers.get(tag)
        known = None if number is None else self._tags[number]
        if known is None:
            return ()
        exponent, shown = known.key.exponent, at - known.key.zero_at
        with self._lock:
            clocks = [ahead.by(at) for ahead in known.clock.hypotheses()]
        times: dict[int, int] = {}  # by slot
        for clock in clocks:
            for ahead_s in ((clock.lo_s + clock.hi_s) / 2, clock.lo_s, clock.hi_s):
                time = max(0, int(shown + ahead_s)) & eid.LAST_TIME
                times.setdefault(time >> exponent, time)
        return tuple(times.values())

    def changed_clocks(self) -> tuple[ClockState, ...]:
        """The clocks that are to be kept anew, once: about one of a tag in each slot."""
        with self._lock:
            changed, self._changed = self._changed, set()
            tags = [(number, self._tags[number]) for number in sorted(changed)]
        return tuple(_state(tag) for _, tag in tags if tag is not None)

    def taken_back(self) -> tuple[TakenBack, ...]:
        """Since the last call: when a tag was taken for one that it was not."""
        with self._lock:
            told, self._taken_back = tuple(self._taken_back), []
        return told

    def _needed(self, now: float) -> set[int]:
        return {int(now // SPAN_S), int((now + _AHEAD_OF_SPAN_S) // SPAN_S)}

    def _named(self, identifier: str, span: int) -> int | None:
        """Whose an identifier is, and of which slot: both for ever, so any table may say it."""
        tables = self._tables
        table = tables.get(span)
        if table is not None:
            named = table.find(identifier)
            if named is not None:
                return named
        else:
            for table in tables.values():
                named = table.find(identifier)
                if named is not None:
                    return named
        return self._found.get(identifier)

    def _wanted(self, since: float, until: float, *, widened_s: float = 0.0) -> Iterator[Wanted]:
        """What the tags' clocks may show from `since` to `until`."""
        for number, tag in enumerate(self._tags):
            if tag is None:
                continue
            with self._lock:
                clocks = [tag.clock.ahead] if widened_s else tag.clock.hypotheses()
            exponent, zero_at = tag.key.exponent, tag.key.zero_at
            wide_s = min(widened_s, _WIDEST_SLOTS << exponent) + SLACK_S
            for clock in clocks:
                lo_s, hi_s = clock.by(since).lo_s, clock.by(until).hi_s
                beyond_s = max(0.0, hi_s - lo_s - _UNSUREST_S) / 2
                yield Wanted(
                    number,
                    tag.key.identity_key,
                    exponent,
                    since - zero_at + lo_s + beyond_s - wide_s,
                    until - zero_at + hi_s - beyond_s + wide_s,
                )

    def _note(self, number: int, tag: _Tag, change: Change, at: float) -> None:
        if change is Change.PROVISIONAL:
            self._is_stale = True
            return
        self._changed.add(number)
        if change is Change.NEW_SLOT:
            return
        self._is_stale = True
        self.counts["adopted" if change is Change.ADOPTED else "taken_back"] += 1
        if change is Change.TAKEN_BACK:
            self._taken_back.append(TakenBack(tag.key.tag, tag.clock.taken_back_since, at))

    def _remember(self, identifier: str, at: float) -> Heard | None:
        """Keep what is nobody's for the wide search, within bounds."""
        self.counts["unknown"] += 1
        if identifier in self._nobodys or not is_eid(identifier):
            return None
        with self._lock:
            at = min(at, self._unknown.get(identifier, at))  # a recording is later
            if _put(self._unknown, identifier, at, most=_MOST_UNKNOWN):
                self.counts["unknown_dropped"] += 1
        return None


def _put(kept: OrderedDict[str, _Kept], name: str, value: _Kept, *, most: int) -> bool:
    """Keep `value`, and no more than `most`: true where the oldest had to go."""
    kept[name] = value
    if len(kept) <= most:
        return False
    kept.popitem(last=False)
    return True


def _tag(key: RotatingKey, stored: ClockState | None) -> _Tag:
    if stored is None:
        stored = ClockState(key.tag, -REGISTERED_S, REGISTERED_S, key.zero_at)
    _, lo_s, hi_s, at, reached = stored
    clock = TagClock(key.zero_at, 1 << key.exponent, Ahead(lo_s, hi_s, at), reached)
    return _Tag(key, clock, Heard(key.tag, use=True, doubt=None))


def _state(tag: _Tag) -> ClockState:
    return ClockState(tag.key.tag, *tag.clock.ahead, tag.clock.reached)
