"""Sealed frames: whose key opens one, and whether it is an SOS.

Nobody but the holder of the key can tell, so each frame is tried: in the transaction of its row
with the keys at hand (of the tag that its address lately named, and of those lately heard at that
gateway), and where none of them opens it, soon after with every key of the site. Until then it
waits in the database, and so outlives the hub. What no key opens is a stranger's.

A counter that does not rise is a recording, or a tag that lost its count with its battery: it
alerts all the same, and is marked. An SOS is never dropped; it is suspect at worst.
"""

import asyncio
from collections import Counter as Counts
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from heapq import nlargest
from typing import NamedTuple, TypeVar

import structlog

from gateway.alerts.happenings import ButtonPressed
from gateway.app.identities import ROTATING, Identities
from gateway.app.registry import BindKeys, Registry
from gateway.app.tag_news import TagNews
from gateway.app.telling import record_happenings
from gateway.clock import Clock
from gateway.model import Alert, Doubt, Rejected, Suspicion, Window
from gateway.store import sealed_waiting, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.store.sealed_waiting import WaitingFrame
from gateway.store.tag_keys import Counter
from gateway.store.tag_states import StoredState
from gateway.tags.frames import bthome
from gateway.tags.frames.bthome import Bthome

SAME_PRESS_S = 120.0  # one counter for so long: a burst, as several receivers tell it
CLOCKS_S = 30.0  # gateways' clocks may differ so much: the last messages may change their order
FEW = 16
LATELY_S = 600.0
MOST_AT_ONCE = 300  # keys tried in the transaction: some 1 ms
MOST_OF_STRANGERS = 30  # of an address that no key opened before
FRAMES_AT_ONCE = 16  # tried together with every key: what was found is told after at most so many
MOST_REMEMBERED = 10_000  # addresses; beyond it, the oldest is forgotten
LOOK_EVERY_S = 10.0
RETRY_S = 1.0
STRANGER, PERHAPS_OURS = 1, 0

T = TypeVar("T")
Joined = Callable[[Connection, Sequence[Alert], float], None]

_log = structlog.get_logger()


class SealedHeard(NamedTuple):
    """A sealed frame as a gateway told it; captured at `at` by the hub's clock."""

    gateway: str
    receiver: str
    at: float
    address: str
    payload: bytes
    near: str


class Count(Enum):
    """What a frame's counter says of it."""

    FRESH = auto()
    SAME = auto()
    DOUBTED = auto()


class Sos:
    """`take` and `note_heard` are for the database's writer thread, the others for the loop.

    `joined` and `announce` as in `Intake`, `suspect` is told suspicions. Counts of `TagNews`:
    sealed_opened, sealed_again, sealed_suspect, sealed_unconfirmed, sealed_waiting, sealed_strange;
    `counts`: those of what waited.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: Registry,
        identities: Identities,
        *,
        out: Queue,
        joined: Joined,
        announce: Callable[[Sequence[Alert]], None],
        suspect: Callable[[Sequence[Suspicion]], None],
    ) -> None:
        self.counts: Counts[str] = Counts()
        self._database = database
        self._clock = clock
        self._registry = registry
        self._identities = identities
        self._out = out
        self._joined = joined
        self._announce = announce
        self._suspect = suspect
        self._wake = asyncio.Event()
        self._wake.set()
        self._failing = False
        self._lately: dict[str, dict[str, int]] = defaultdict(dict)
        self._owners: OrderedDict[str, str] = OrderedDict()  # address → tag
        self._strangers: OrderedDict[str, None] = OrderedDict()
        self._unconfirmed: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    # --- in the writer thread ---------------------------------------------------------------------

    def note_heard(self, gateway: str, window: Window, second: int) -> None:
        """These are the tags lately heard at `gateway`."""
        find, bind_of = self._registry.directory.find, self._registry.bind_of
        lately = self._lately[gateway]
        for reading in window.readings:
            known = find(reading.identifier)
            if known is not None and known.tag in bind_of:
                lately[known.tag] = second

    def take(self, connection: Connection, frame: SealedHeard, news: TagNews) -> None:
        """Open `frame` with the keys at hand, or let it wait for the others."""
        bind_of = self._registry.bind_of  # once: the loop may put another in its place meanwhile
        tags = self._at_hand(frame, bind_of, news)
        found = bthome.trial(frame.payload, frame.address, [bind_of[tag] for tag in tags])
        if found is not None:
            tag = tags[found]
            self._opened(connection, tag, bind_of[tag], frame, news)
        elif bind_of or self._registry.locked:
            news.counts["sealed_waiting"] += 1
            rank = STRANGER if frame.address in self._strangers else PERHAPS_OURS
            waiting = WaitingFrame(
                frame.gateway,
                frame.receiver,
                frame.at,
                self._clock.utc(),
                frame.address,
                frame.payload,
                rank,
            )
            news.waiting.append(waiting)
        else:
            news.counts["sealed_strange"] += 1

    def _at_hand(
        self, frame: SealedHeard, bind_of: Mapping[str, bytes], news: TagNews
    ) -> list[str]:
        """The tags whose keys are tried at once, the likeliest first."""
        find = self._registry.directory.find
        likely: dict[str, None] = {}
        fixed = find(f"bthome:{frame.address.lower()}")
        near = self._near(frame, news)
        for tag in (near, "" if fixed is None else fixed.tag, self._owners.get(frame.address, "")):
            likely[tag] = None
        lately = self._lately.get(frame.gateway, {})
        recent = [one for one in lately.items() if abs(frame.at - one[1]) <= LATELY_S]
        if len(recent) < len(lately) // 2:
            self._lately[frame.gateway] = dict(recent)
        most = MOST_OF_STRANGERS if frame.address in self._strangers else MOST_AT_ONCE
        for tag, _ in nlargest(most, recent, key=lambda one: one[1]):
            likely[tag] = None
        return [tag for tag in likely if tag in bind_of][:MOST_AT_ONCE]

    def _near(self, frame: SealedHeard, news: TagNews) -> str:
        """The tag that the frame's address lately named."""
        known = self._registry.directory.find(frame.near)
        if known is not None:
            return known.tag
        if not frame.near.startswith(ROTATING):
            return ""
        heard = self._identities.hear_lately(frame.near, int(frame.at), news)
        return "" if heard is None else heard.tag

    def _is_chance(self, tag: str, frame: SealedHeard, *, searched: bool) -> bool:
        """Whether `tag`'s key may have opened the frame by accident: the check has 32 bits.

        Where every key was tried that is one frame in half a million. So such a one moves no
        counter and says no state until another frame of that address is opened by the same key.
        Not a press: it alerts, and if it did not move the counter, its recording would be sure.
        """
        first = self._unconfirmed.get(frame.address)
        if self._owners.get(frame.address) == tag or not (searched or first):
            return False
        return first is None or first[0] != tag or first[1] == frame.payload

    def _opened(
        self,
        connection: Connection,
        tag: str,
        key: bytes,
        frame: SealedHeard,
        news: TagNews,
        *,
        searched: bool = False,
    ) -> None:
        """What the frame says is its tag's; a press becomes a happening."""
        contents = bthome.open_sealed(frame.payload, key=key, address=frame.address)
        if isinstance(contents, Rejected):
            news.counts["sealed_malformed"] += 1
            return
        if not contents.pressed and self._is_chance(tag, frame, searched=searched):
            news.counts["sealed_unconfirmed"] += 1
            _remember(self._unconfirmed, frame.address, (tag, frame.payload))
            return
        _remember(self._owners, frame.address, tag)
        self._unconfirmed.pop(frame.address, None)
        self._strangers.pop(frame.address, None)
        news.counts["sealed_opened"] += 1
        count = _counted(connection, tag, frame)
        if count is Count.SAME:
            news.counts["sealed_again"] += 1
            return
        if count is Count.DOUBTED:
            news.counts["sealed_suspect"] += 1
            news.doubt(frame.at, tag, Doubt.COUNTER, frame.receiver)
        else:
            news.states += _states(tag, contents, frame)
        if contents.pressed:
            doubt = Doubt.COUNTER.value if count is Count.DOUBTED else ""
            news.happenings.append(
                ButtonPressed(frame.at, tag, frame.receiver, frame.gateway, doubt)
            )

    # --- on the loop ------------------------------------------------------------------------------

    def wake(self) -> None:
        """Frames wait, as is committed."""
        self._wake.set()

    async def run(self) -> None:
        """Try what waits until cancelled; also what waited when the hub was stopped."""
        while True:
            self._wake.clear()
            try:
                while await self.try_waiting():
                    pass
            except StoreError as error:
                if not self._failing:
                    _log.error("sealed frames wait, one may be an SOS", reason=str(error))
                self._failing = True
                await asyncio.sleep(RETRY_S / self._clock.rate)
                continue
            self._failing = False
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue  # keys may have come that were missing

    async def try_waiting(self) -> int:
        """Try the first of those that wait with every key; gives how many. Raises StoreError."""
        binds = self._registry.binds
        if not binds.keys:
            return 0
        frames = await self._database.read(sealed_waiting.first, limit=FRAMES_AT_ONCE)
        if not frames:
            return 0
        owners = await asyncio.to_thread(_owners, binds, frames)
        news = TagNews()
        told = await self._database.write(self._conclude, frames, owners, news)
        self.counts.update(news.counts)
        self._announce(told)
        self._suspect(news.told)
        return len(frames)

    def _conclude(
        self,
        connection: Connection,
        frames: Mapping[int, WaitingFrame],
        owners: Mapping[int, str],
        news: TagNews,
    ) -> list[Alert]:
        now, bind_of = self._clock.utc(), self._registry.bind_of
        for row_id, frame in frames.items():
            tag = owners.get(row_id, "")
            if tag not in bind_of:
                if frame.address not in self._owners:
                    _remember(self._strangers, frame.address, None)
                news.counts["sealed_strange"] += 1
                continue
            heard = SealedHeard(
                frame.gateway, frame.receiver, frame.at, frame.address, frame.payload, near=""
            )
            self._opened(connection, tag, bind_of[tag], heard, news, searched=True)
        told = record_happenings(connection, news.write(connection), now=now, out=self._out)
        self._joined(connection, told, now)
        sealed_waiting.remove(connection, frames)
        return told


def _owners(binds: BindKeys, frames: Mapping[int, WaitingFrame]) -> dict[int, str]:
    """Whose key opens which frame; every key is tried with every frame."""
    owners: dict[int, str] = {}
    for row_id, frame in frames.items():
        found = bthome.trial(frame.payload, frame.address, binds.keys)
        if found is not None:
            owners[row_id] = binds.tags[found]
    return owners


def _counted(connection: Connection, tag: str, frame: SealedHeard) -> Count:
    """Judge the frame's counter by the highest that came, and keep it where it is higher.

    One that was captured before the highest may be lower: it comes late, of a gateway long away.
    """
    value = int.from_bytes(frame.payload[-8:-4], "little")
    known = tag_keys.counter(connection, tag)
    if known is None or value > known.value:
        tag_keys.set_counter(connection, tag, Counter(value, frame.at))
        return Count.FRESH
    if value == known.value:
        return Count.SAME if abs(frame.at - known.at) <= SAME_PRESS_S else Count.DOUBTED
    late_s = CLOCKS_S if known.value - value <= FEW else 0.0
    return Count.FRESH if frame.at <= known.at + late_s else Count.DOUBTED


def _states(tag: str, contents: Bthome, frame: SealedHeard) -> Iterable[StoredState]:
    for name, value in contents.values.items():
        yield StoredState(tag, name, float(value), frame.at, frame.receiver)


def _remember(kept: OrderedDict[str, T], address: str, value: T) -> None:
    kept[address] = value
    kept.move_to_end(address)
    if len(kept) > MOST_REMEMBERED:
        kept.popitem(last=False)
