"""Whether each receiver of a gateway works, and whether it hears; pure, driven by a clock tick.

**Up** is a remote receiver that spoke within the timeout, whatever it said, and was not said to be
gone. One that never sends states (Theengs Gateway) is silent when nobody is near: of it only the
last will says that it is down. An adapter's receiver is up while its scan runs.

**Hears nothing** is a remote receiver that is up, and gives no advert of anybody for longer than it
could be chance. What is chance, its own past says: a street may be empty from one to five in the
morning. So the limit is `GAPS` times the longest silence of the last two weeks (of a gap that was
itself told, twice the limit at that time is learned at most), and never under `LEAST_S`; before a
whole day was seen, `UNKNOWN_S`. Neighbours say it sooner: `WITNESSES` senders that it used to hear
at the same time as another receiver, for `COMMON_MINUTES`, and which that one still hears.

Such a receiver's silence is no evidence that a tag is elsewhere, and neither is that of one which
loses most adverts: both are left out of `alive` while it lasts. An adapter's own scanner tells the
conditions of its receiver; they are taken as told.

What was told before a restart is not known: so the first sign of health of each receiver ends what
may have been told then.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.model import Condition
from gateway.tags.regulars import Regulars

GAPS = 3.0
LEAST_S = 600.0
UNKNOWN_S = 6 * 3_600.0
DAY_S = 24 * 3_600.0
WEEK_S = 7 * DAY_S
WITNESSES = 3
COMMON_MINUTES = 10
TOGETHER_S = 10.0
STILL_S = 120.0
ASK_EVERY_S = 60.0
WILL_S = 60.0  # a receiver that only reconnects is not down
RATE_OVER_S = 60.0
MOST_SENDERS = 2_048
FORGETS_S = 7_200.0


class Told(NamedTuple):
    """A condition of a receiver began, or is over."""

    receiver: str
    condition: Condition
    over: bool


class Usual(NamedTuple):
    """What was learned of a receiver: for how long, and its longest silence lately, seconds."""

    observed_s: float
    longest_s: float


class _Sender:
    """An address of anybody, by the receivers that hear it."""

    __slots__ = ("_common", "_last_s")

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}
        self._common: dict[str, tuple[int, int]] | None = None  # last minute, how many

    def heard(self, receiver: str, now: float) -> None:
        self._last_s[receiver] = now
        if len(self._last_s) == 1:
            return
        together = [one for one, at in self._last_s.items() if now - at <= TOGETHER_S]
        if len(together) == 1:
            return
        if self._common is None:
            self._common = {}
        for one in together:
            minute, count = self._common.get(one, (-1, 0))
            if int(now // 60) != minute:
                self._common[one] = (int(now // 60), count + 1)

    def misses(self, receiver: str, now: float) -> bool:
        """Whether `receiver` heard it as others did, who hear it still."""
        if self._common is None or self._common.get(receiver, (-1, 0))[1] < COMMON_MINUTES:
            return False
        return self.is_heard(receiver, now, within_s=STILL_S)

    def is_heard(self, receiver: str, now: float, *, within_s: float) -> bool:
        """Whether another than `receiver` heard it."""
        return any(now - at <= within_s for other, at in self._last_s.items() if other != receiver)


class _Receiver:
    __slots__ = (
        "adverts",
        "asked_s",
        "conditions",
        "counted",
        "gone_s",
        "is_local",
        "longest_before_s",
        "longest_s",
        "number",
        "observed_s",
        "per_s",
        "shows",
        "since_s",
        "spoke_s",
        "states",
        "told",
        "up",
        "week_s",
    )

    def __init__(self, now: float, usual: Usual, *, is_local: bool) -> None:
        self.is_local = is_local
        self.adverts = 0  # of anybody, ever
        self.counted = 0  # of them, at the last tick
        self.number: int | None = None  # what it counts itself
        self.shows = False  # by its number, that it has heard since the last tick
        self.asked_s = now  # for witnesses
        self.per_s = 0.0
        self.spoke_s: float | None = None
        self.gone_s: float | None = None
        self.states = False
        self.up: bool | None = None  # None: nothing is known yet
        self.since_s = now  # of its silence, or of being followed
        self.observed_s = usual.observed_s
        self.longest_s = usual.longest_s
        self.longest_before_s = 0.0
        self.week_s = 0.0
        self.conditions: set[Condition] = set()
        self.told: set[Condition] = set()

    @property
    def limit_s(self) -> float:
        """Beyond it, silence is no chance."""
        if self.observed_s < DAY_S:
            return UNKNOWN_S
        return max(LEAST_S, GAPS * max(self.longest_s, self.longest_before_s))


class Receivers:
    """All receivers of one gateway. Every `now` is monotonic, so a set clock kills nobody."""

    def __init__(self, *, timeout_s: float, usual: Mapping[str, Usual] | None = None) -> None:
        self._timeout_s = timeout_s
        self._usual = dict(usual or {})
        self._all: dict[str, _Receiver] = {}
        self._senders: Regulars[str, _Sender] = Regulars(
            most=MOST_SENDERS, settles_s=60.0, forgets_s=FORGETS_S
        )
        self._is_connected = False
        self._judged_s: float | None = None
        self._left: list[Told] = []

    def follow(self, remote: Iterable[str], now: float) -> None:
        """The remote receivers that are this gateway's; of others, what was told is over."""
        wanted = set(remote)
        for name in [one for one, it in self._all.items() if not it.is_local]:
            if name not in wanted:
                left = self._all.pop(name)
                self._left += [Told(name, one, over=True) for one in sorted(left.conditions)]
        for name in wanted - self._all.keys():
            self._all[name] = self._new(name, now, is_local=False)

    def connection(self, *, up: bool, now: float) -> None:
        """The broker over which remote receivers speak; without it, nothing is known of them."""
        self._is_connected = up
        for one in self._all.values():
            if not one.is_local:
                one.spoke_s = one.gone_s = one.number = None
                one.since_s = now

    def running(self, local: Iterable[str], now: float) -> None:
        """The receivers whose adapters scan now."""
        running = set(local)
        for name in running - self._all.keys():
            self._all[name] = self._new(name, now, is_local=True)
        for name, one in self._all.items():
            if one.is_local:
                one.spoke_s = now if name in running else None

    def condition(self, told: Told, now: float) -> None:
        """What the scanner of an adapter says of its receiver."""
        one = self._all.get(told.receiver)
        if one is None:
            one = self._all[told.receiver] = self._new(told.receiver, now, is_local=True)
        one.told.add(told.condition)
        if told.over:
            one.conditions.discard(told.condition)
        else:
            one.conditions.add(told.condition)

    def spoke(
        self, receiver: str, now: float, *, number: int | None = None, is_state: bool = False
    ) -> None:
        """A message of a remote receiver: one that `is_state` comes periodically.

        `number` is what it counts of adverts or of scans that found somebody: when it changes, it
        hears. (A restarted receiver counts anew; it, too, has heard.)
        """
        one = self._all.get(receiver)
        if one is None:
            return
        one.spoke_s = now
        one.gone_s = None
        one.states = one.states or is_state
        if number is not None:
            one.shows |= one.number is not None and number not in (0, one.number)
            one.number = number

    def heard(self, receiver: str, address: str, now: float) -> None:
        """An advert of anybody."""
        one = self._all.get(receiver)
        if one is None:
            one = self._all[receiver] = self._new(receiver, now, is_local=True)
        one.adverts += 1
        sender = self._senders.find(address, now)
        if sender is None:
            sender = _Sender()
        self._senders.note(address, sender, now)
        sender.heard(receiver, now)

    def gone(self, receiver: str, now: float) -> None:
        """The last will of `receiver`: it is not connected any more."""
        one = self._all.get(receiver)
        if one is not None:
            one.spoke_s = None
            one.gone_s = now

    def judge(self, now: float) -> list[Told]:
        """What began and what is over, as of this tick: once a second or so."""
        elapsed_s = 0.0 if self._judged_s is None else now - self._judged_s
        self._judged_s = now
        found, self._left = self._left, []
        for name, one in self._all.items():
            has_heard = _count(one, now, elapsed_s)
            if not one.is_local and self._is_connected:
                found += self._judge_remote(name, one, now, has_heard=has_heard)
            elif one.is_local and one.spoke_s is not None:
                well = tuple(Condition) if has_heard else (Condition.DOWN,)
                for condition in well:
                    if condition not in one.told:
                        found += _turned(name, one, condition, False)
        return found

    def alive(self, now: float) -> tuple[str, ...]:
        """Every receiver whose silence is evidence, sorted."""
        return tuple(
            sorted(
                name
                for name, one in self._all.items()
                if self._spoke_lately(one, now) and not one.conditions
            )
        )

    def silent_s(self, now: float) -> dict[str, float]:
        """Seconds since each remote receiver last spoke."""
        return {
            name: round(now - one.spoke_s, 1)
            for name, one in self._all.items()
            if one.spoke_s is not None and not one.is_local
        }

    def adverts_per_s(self) -> dict[str, float]:
        """What each hears, of anybody, over the last minute or so."""
        return {name: round(one.per_s, 2) for name, one in sorted(self._all.items())}

    def usual(self) -> dict[str, Usual]:
        """What was learned, to be given to the next process."""
        return self._usual | {
            name: Usual(one.observed_s, max(one.longest_s, one.longest_before_s))
            for name, one in self._all.items()
            if not one.is_local
        }

    def _new(self, name: str, now: float, *, is_local: bool) -> _Receiver:
        return _Receiver(now, self._usual.get(name, Usual(0.0, 0.0)), is_local=is_local)

    def _spoke_lately(self, one: _Receiver, now: float) -> bool:
        return one.spoke_s is not None and now - one.spoke_s <= self._timeout_s

    def _judge_remote(
        self, name: str, one: _Receiver, now: float, *, has_heard: bool
    ) -> list[Told]:
        was_up, one.up = one.up, self._is_up(one, now)
        if one.up is None:
            return []
        if not one.up:
            deaf = _turned(name, one, Condition.HEARS_NOTHING, False) if was_up else []
            return deaf + _turned(name, one, Condition.DOWN, True)
        if not was_up:
            one.since_s = now
        told = _turned(name, one, Condition.DOWN, False)
        if has_heard:
            return told + _turned(name, one, Condition.HEARS_NOTHING, False)
        if now - one.since_s > one.limit_s or self._is_witnessed(name, one, now):
            return told + _turned(name, one, Condition.HEARS_NOTHING, True)
        return told

    def _is_up(self, one: _Receiver, now: float) -> bool | None:
        """None while it is not known."""
        if one.gone_s is not None:
            return False if now - one.gone_s > WILL_S else one.up
        if one.spoke_s is None:
            patience_s = self._timeout_s if one.states else UNKNOWN_S
            return False if now - one.since_s > patience_s else one.up
        return not one.states or self._spoke_lately(one, now)

    def _is_witnessed(self, name: str, one: _Receiver, now: float) -> bool:
        """Whether others still hear those whom both heard; asked once in a minute of silence."""
        if now - one.since_s < LEAST_S or now - one.asked_s < ASK_EVERY_S:
            return False
        one.asked_s = now
        return sum(sender.misses(name, now) for sender in self._senders.values()) >= WITNESSES


def _count(one: _Receiver, now: float, elapsed_s: float) -> bool:
    """Rate, silence, and what is learned of it; whether it has heard since the last tick."""
    adverts, one.counted = one.adverts - one.counted, one.adverts
    has_heard, one.shows = bool(adverts) or one.shows, False
    if elapsed_s > 0:
        weight = min(1.0, elapsed_s / RATE_OVER_S)
        one.per_s += (adverts / elapsed_s - one.per_s) * weight
    if one.is_local or not one.up:
        return has_heard
    one.observed_s += elapsed_s
    one.week_s += elapsed_s
    if one.week_s > WEEK_S:
        one.longest_before_s, one.longest_s, one.week_s = one.longest_s, 0.0, 0.0
    if has_heard:
        gap_s = now - one.since_s
        if Condition.HEARS_NOTHING in one.conditions:
            gap_s = min(gap_s, 2 * one.limit_s / GAPS)
        one.longest_s = max(one.longest_s, gap_s)
        one.since_s = now
    return has_heard


def _turned(name: str, one: _Receiver, condition: Condition, holds: bool) -> list[Told]:
    """Told where it changed, and once at the first sign of health."""
    if holds == (condition in one.conditions) and (holds or condition in one.told):
        return []
    one.told.add(condition)
    (one.conditions.add if holds else one.conditions.discard)(condition)
    return [Told(name, condition, over=not holds)]
