"""Frames that may be an SOS: which of them go on at once, and which wait for room.

A button is sent as a fast burst, many times the same. BlueZ adds to it: it gives what it last knew
of a device with each later advert of it, so a frame of yesterday can come again and again. And
anybody can send such frames: only the hub can tell whose they are. So:

- A payload of an address goes on when it is first heard, and again every `REPEAT_S` until
  `BURST_S` after that first time: then it is an old one, until the address sends another.
- A payload goes on while its address has room, and all of its standing have. Senders that are
  known have theirs for themselves: whatever strangers do, nobody who is known waits for them.
- What has no room waits: the newest of each address, `MOST_WAITING` addresses of a standing. While
  anybody waits, room is first for those whom one receiver heard again: a tag in distress sends a
  burst, and addresses that an attacker makes up come once, or cost as many adverts as a burst.
  Among equals the newest goes first. What is displaced is counted (`dropped`), and can come again.
- Anybody can send under a known address, too: of what waits for the room of one address, that which
  one receiver heard most often goes on. A press is one payload many times, made-up ones come once.

It takes the caller's word for who is known.
"""

from collections import Counter
from typing import Generic, NamedTuple, TypeVar

from gateway.tags.regulars import Regulars

REPEAT_S = 2.0
BURST_S = 10.0
MOST_WAITING = 500
MOST_ADDRESSES = 4_096
FORGETS_S = 600.0

T = TypeVar("T")


class Standing(NamedTuple):
    """How many frames those of one standing may send at once and in the long run, each and all.

    `kept` payloads of each are remembered.
    """

    own_burst: int
    own_every_s: float
    burst: int
    every_s: float
    kept: int


KNOWN = Standing(own_burst=8, own_every_s=2.0, burst=500, every_s=1 / 50, kept=32)
# A street has some dozens of strangers' sensors, each with a new frame every few seconds.
STRANGER = Standing(own_burst=4, own_every_s=30.0, burst=500, every_s=1 / 20, kept=8)


class _Room:
    """A bucket for `most`, of which one comes back every `every_s`."""

    __slots__ = ("_at_s", "_every_s", "_left", "_most")

    def __init__(self, most: int, every_s: float, now: float) -> None:
        self._most = most
        self._every_s = every_s
        self._left = float(most)
        self._at_s = now

    def has(self, now: float) -> bool:
        self._left = min(self._most, self._left + (now - self._at_s) / self._every_s)
        self._at_s = now
        return self._left >= 1

    def take(self) -> None:
        self._left -= 1


class _Payload:
    """`times` counts hearings at one receiver: a single advert may come to many."""

    __slots__ = ("_receiver", "first_s", "heard_s", "times", "told_s")

    def __init__(self, receiver: str, now: float) -> None:
        self.first_s = now
        self.heard_s = now
        self.told_s: float | None = None
        self.times = 0
        self._receiver = receiver

    def hear(self, receiver: str, now: float, *, numbered: bool) -> None:
        if not numbered and now - self.heard_s >= BURST_S:
            self.first_s = now
        self.heard_s = now
        self.times += receiver == self._receiver


class _Sender:
    __slots__ = ("_payloads", "_rooms")

    def __init__(self) -> None:
        self._payloads: dict[str, _Payload] = {}
        self._rooms: dict[Standing, _Room] = {}

    def said(self, payload: str, receiver: str, now: float, *, kept: int) -> _Payload:
        """What is known of `payload`; who was not heard for the longest is forgotten."""
        said = self._payloads.pop(payload, None)
        if said is None:
            while len(self._payloads) >= kept:
                del self._payloads[next(iter(self._payloads))]
            said = _Payload(receiver, now)
        self._payloads[payload] = said
        return said

    def room(self, standing: Standing, now: float) -> _Room:
        room = self._rooms.get(standing)
        if room is None:
            room = _Room(standing.own_burst, standing.own_every_s, now)
            self._rooms[standing] = room
        return room


class _Waiting(Generic[T]):
    """The payload of an address that was heard most often, the newest of several; and `times` how
    often, as in `_Payload`, the address was heard."""

    __slots__ = ("_receiver", "item", "said", "times")

    def __init__(self, item: T, said: _Payload, receiver: str) -> None:
        self.item = item
        self.said = said
        self.times = 1
        self._receiver = receiver

    def come_again(self, item: T, said: _Payload, receiver: str) -> None:
        self.times += receiver == self._receiver
        if said.times >= self.said.times:
            self.item, self.said = item, said


class _Line(Generic[T]):
    """The room of all of one standing, and who waits for it, by address; the newest last."""

    def __init__(self, standing: Standing, now: float) -> None:
        self.room = _Room(standing.burst, standing.every_s, now)
        self.is_crowded = False  # somebody waits for room of the line, not of its own
        self.waiting: dict[str, _Waiting[T]] = {}

    def in_turn(self) -> list[str]:
        """Who has come most often, then who has come last."""
        newest_first = reversed(tuple(self.waiting))
        return sorted(newest_first, key=lambda address: -self.waiting[address].times)


class Bursts(Generic[T]):
    """Pure; `now` is monotonic. `counts`: repeated, old, waited, dropped."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._senders: Regulars[str, _Sender] = Regulars(
            most=MOST_ADDRESSES, settles_s=REPEAT_S, forgets_s=FORGETS_S
        )
        self._lines: dict[Standing, _Line[T]] = {}

    def hear(
        self,
        item: T,
        *,
        receiver: str,
        address: str,
        payload: str,
        standing: Standing,
        now: float,
        numbered: bool = True,
    ) -> bool:
        """Whether `item`, in which `receiver` heard `address` say `payload`, goes on now.

        A payload that is not `numbered` has no counter: after `BURST_S` of silence it is a new one.
        """
        sender = self._sender(address, now)
        said = sender.said(payload, receiver, now, kept=standing.kept)
        said.hear(receiver, now, numbered=numbered)
        if said.told_s is not None:
            if now - said.first_s > BURST_S:
                self.counts["old"] += 1
                return False
            if now - said.told_s < REPEAT_S:
                self.counts["repeated"] += 1
                return False
        line = self._line(standing, now)
        waits = line.waiting.pop(address, None)
        if waits is None:
            comes_first = not line.is_crowded
            waits = _Waiting(item, said, receiver)
        else:
            waits.come_again(item, said, receiver)
            comes_first = waits.said is said and said.times > 1
        if comes_first and self._admit(sender, said, standing, now):
            return True
        self._wait(line, address, waits)
        return False

    def due(self, now: float) -> list[T]:
        """Those that waited and have room now."""
        found = []
        for standing, line in self._lines.items():
            for address in line.in_turn():
                if not line.room.has(now):
                    break
                waits, sender = line.waiting[address], self._sender(address, now)
                if self._admit(sender, waits.said, standing, now):
                    del line.waiting[address]
                    found.append(waits.item)
            line.is_crowded = not line.room.has(now)
        return found

    def _sender(self, address: str, now: float) -> _Sender:
        sender = self._senders.find(address, now)
        if sender is None:
            sender = _Sender()
        self._senders.note(address, sender, now)
        return sender

    def _line(self, standing: Standing, now: float) -> _Line[T]:
        line = self._lines.get(standing)
        if line is None:
            line = self._lines[standing] = _Line(standing, now)
        return line

    def _admit(self, sender: _Sender, said: _Payload, standing: Standing, now: float) -> bool:
        own, line = sender.room(standing, now), self._line(standing, now)
        if not own.has(now):
            return False
        if not line.room.has(now):
            line.is_crowded = True
            return False
        own.take()
        line.room.take()
        said.told_s = now
        return True

    def _wait(self, line: _Line[T], address: str, waits: _Waiting[T]) -> None:
        self.counts["waited"] += 1
        if len(line.waiting) >= MOST_WAITING:
            del line.waiting[next(iter(line.waiting))]
            self.counts["dropped"] += 1
        line.waiting[address] = waits
