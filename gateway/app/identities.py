"""Whose the rotating identifiers are that the edges heard: decided here, at the intake, once.

A rotating identifier is 64 random bits, so once it is known to be a tag's it stays that, and the
directory finds it like a fixed one. But when its slot is over it is a recording: such a reading is
kept under `replay:`, for nobody to walk by, and the tag is suspected.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import structlog

from gateway.app.registry import Registry
from gateway.app.tag_news import TagNews
from gateway.app.telling import record_happenings
from gateway.clock import Clock
from gateway.model import Alert, Doubt, Reading, Suspicion, Window
from gateway.store import sightings, suspicions, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.heard_eids import Bound
from gateway.store.outgoing import Queue
from gateway.store.tag_keys import StoredClock
from gateway.tags.rotation import ClockState, Heard, TakenBack
from gateway.tags.rotation_clock import DRIFT

ROTATING = "eid:"
REPLAY = "replay:"
LOOK_EVERY_S = 5.0
KEEP_CLOCKS_EVERY_S = 180.0
FORGET_EVERY_S = 3_600.0
LATE_S = 600.0  # how long beyond its slot an identifier is still taken for the tag's own
MOST_FLAGGED_S = 86_400.0
LATELY_S = 1_800.0  # tables of these times are kept ready
SETTLED_S = 120.0  # what was found sooner is of now, and known at its next hearing
MOST_FOUND_AT_ONCE = 500
_HOUR_S = 3_600.0

_log = structlog.get_logger()


class Identities:
    """Reads windows in the database's writer thread, and keeps `registry.rotation` ready.

    `announce` is called with alerts that came of it, `suspect` with suspicions. Counts of
    `TagNews`: eids_unknown, replays.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: Registry,
        *,
        keep_hours: float,
        out: Queue,
        announce: Callable[[Sequence[Alert]], None],
        suspect: Callable[[Sequence[Suspicion]], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._keep_s = keep_hours * _HOUR_S
        self._out = out
        self._announce = announce
        self._suspect = suspect
        self._second = 0
        self._sure: set[str] = set()  # of the writer thread
        self._kept_at = self._forgotten_at = float("-inf")
        self._unkept: dict[str, ClockState] = {}
        self._taken_back: list[TakenBack] = []
        self._found: dict[str, float] = {}

    # --- in the writer thread ---------------------------------------------------------------------

    def read(self, window: Window, second: int, news: TagNews) -> Window:
        """`window`, which is of `second` by the hub's clock, without the recordings in it."""
        sure = self._sure_in(second)
        readings: list[Reading] | None = None
        for number, reading in enumerate(window.readings):
            identifier = reading.identifier
            if identifier in sure or not identifier.startswith(ROTATING):
                continue
            heard = self.hear(identifier, second, news)
            if heard is None:
                news.counts["eids_unknown"] += 1
                continue
            if heard.doubt is not None:
                news.doubt(float(second), heard.tag, heard.doubt, reading.receiver)
            if not heard.use:
                news.counts["replays"] += 1
                readings = list(window.readings) if readings is None else readings
                name = REPLAY + identifier.removeprefix(ROTATING)
                readings[number] = reading._replace(identifier=name)
        if readings is None:
            return window
        return Window(window.second, window.alive, tuple(readings), window.synced)

    def hear(self, identifier: str, second: int, news: TagNews) -> Heard | None:
        """Whose a rotating identifier is that was heard in `second`; keeps it."""
        heard = self._heard(identifier, second)
        if heard is None or not heard.use:
            return heard
        if self._registry.bound(identifier) is None:
            keys = self._registry.identities.get(heard.tag)
            slot_s = 0.0 if keys is None else float(1 << keys.rotation_exponent)
            news.bound.setdefault(identifier, Bound(heard.tag, second + slot_s + LATE_S))
        elif heard.doubt is None:
            self._sure_in(second).add(identifier)
        return heard

    def hear_lately(self, identifier: str, second: int, news: TagNews) -> Heard | None:
        """The same for what is no window; the rotation is not asked about times long past.

        Whoever speaks for a gateway could make it look through all of them, one after the other.
        """
        if abs(self._clock.utc() - second) <= LATELY_S:
            return self.hear(identifier, second, news)
        bound = self._registry.bound(identifier)
        if bound is None or second > bound.until or bound.tag not in self._registry.identities:
            return None
        return Heard(bound.tag, use=True, doubt=None)

    def _sure_in(self, second: int) -> set[str]:
        """What the rotation was asked of in `second`, is kept, and nothing speaks against.

        Several receivers hear a tag in one second: it is asked once, and not for each.
        """
        if second != self._second:
            self._second, self._sure = second, set()
        return self._sure

    def _heard(self, identifier: str, second: int) -> Heard | None:
        """As the rotation says; what it knows no more was heard before, and is mostly over."""
        heard = self._registry.rotation.hear(identifier, float(second))
        bound = self._registry.bound(identifier)
        if heard is not None or bound is None or bound.tag not in self._registry.identities:
            return heard
        if second > bound.until:
            return Heard(bound.tag, use=False, doubt=Doubt.CLOSED_SLOT)
        is_old = self._clock.utc() - second > LATELY_S  # and was judged when it was bound
        return Heard(bound.tag, use=True, doubt=None if is_old else Doubt.PROVISIONAL)

    # --- on the loop ------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Make the table of the identifiers valid now. Before anything is taken."""
        await asyncio.to_thread(self._registry.rotation.prepare, self._clock.utc())

    async def run(self) -> None:
        """Keep the tables ready and the clocks stored, until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S / self._clock.rate)
        finally:
            await self.keep()

    async def look(self) -> None:
        """Do what is due."""
        rotation, now = self._registry.rotation, self._clock.utc()
        if rotation.due(now):
            await asyncio.to_thread(rotation.prepare, now)
        if rotation.wants_search(now):
            self._found.update(await asyncio.to_thread(rotation.search, now))
        while self._found and await self._bind_what_was_found(now):
            pass
        self._taken_back += rotation.taken_back()
        while self._taken_back and await self._doubt_what_was_taken_back(now):
            pass
        if abs(now - self._kept_at) >= KEEP_CLOCKS_EVERY_S:
            self._kept_at = now
            await self.keep()
        if abs(now - self._forgotten_at) >= FORGET_EVERY_S:
            self._forgotten_at = now
            self._registry.forget_before(now - self._keep_s)

    async def _bind_what_was_found(self, now: float) -> bool:
        """Identifiers that were nobody's are a tag's: what came late is gone through again."""
        some = dict(islice(self._found.items(), MOST_FOUND_AT_ONCE))
        news = TagNews()
        try:
            told = await self._database.write(self._bind, some, news, now)
        except StoreError as error:
            _log.error("identifiers that were found wait to be stored", reason=str(error))
            return False
        for identifier in some:
            del self._found[identifier]
        self._registry.bind(news.bound)
        self._announce(told)
        self._suspect(news.told)
        return True

    def _bind(
        self, connection: Connection, found: Mapping[str, float], news: TagNews, now: float
    ) -> list[Alert]:
        spans: list[tuple[int, int]] = []
        for identifier, at in found.items():
            heard = self.hear(identifier, int(at), news)
            if heard is not None and heard.doubt is not None:
                news.doubt(float(int(at)), heard.tag, heard.doubt, "")
            bound = news.bound.get(identifier)
            if bound is not None and at < now - SETTLED_S:
                slot_s = bound.until - LATE_S - at
                spans.append((int(at - slot_s), int(at + slot_s) + 1))
        for since, until in _merged(spans):
            sightings.amend_again(connection, since, until)
        return record_happenings(connection, news.write(connection), now=now, out=self._out)

    async def _doubt_what_was_taken_back(self, now: float) -> bool:
        """For a while somebody else's hearings were taken for a tag's: that time is flagged."""
        news = TagNews()
        try:
            told = await self._database.write(self._flag, self._taken_back[0], news, now)
        except StoreError as error:
            _log.error("doubts about a tag's way wait to be stored", reason=str(error))
            return False
        del self._taken_back[0]
        self._announce(told)
        self._suspect(news.told)
        return True

    def _flag(
        self, connection: Connection, one: TakenBack, news: TagNews, now: float
    ) -> list[Alert]:
        since = max(one.since, one.until - MOST_FLAGGED_S)
        for step in range(int((one.until - since) // suspicions.EVERY_S) + 1):
            news.doubt(since + step * suspicions.EVERY_S, one.tag, Doubt.PROVISIONAL, "")
        return record_happenings(connection, news.write(connection), now=now, out=self._out)

    async def keep(self) -> None:
        """Store the clocks that have changed."""
        self._unkept.update((one.tag, one) for one in self._registry.rotation.changed_clocks())
        if not self._unkept:
            return
        try:
            await self._database.write(_keep, [StoredClock(*one) for one in self._unkept.values()])
        except StoreError as error:
            _log.error("the clocks of tags wait to be stored", reason=str(error))
        else:
            self._unkept.clear()


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """`spans` without what they have in common."""
    merged: list[tuple[int, int]] = []
    for since, until in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged


def _keep(connection: Connection, clocks: Sequence[StoredClock]) -> None:
    """Keep `clocks`; a tag whose clock began anew (its battery was changed) counts anew, too."""
    before = {clock.tag: clock for clock in tag_keys.clocks(connection)}
    for clock in clocks:
        known = before.get(clock.tag)
        if known is not None and _is_another(known, clock):
            tag_keys.set_counter(connection, clock.tag, None)
    tag_keys.set_clocks(connection, clocks)


def _is_another(before: StoredClock, now: StoredClock) -> bool:
    drift_s = DRIFT * abs(now.at - before.at)
    return (
        now.ahead_lo_s > before.ahead_hi_s + drift_s or now.ahead_hi_s < before.ahead_lo_s - drift_s
    )
