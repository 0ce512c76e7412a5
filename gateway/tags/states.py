"""What tags and sensors say of themselves, and how seldom it is told; pure and bounded.

A value is told when it is first heard, every `EVERY_S`, and before that when it changed: a flag
(0 or 1) at once, a percentage that moved by `PERCENT_STEP`, each at most every `CHANGE_EVERY_S`. A
change that came too soon after the last waits, so that the last word always gets through. Nothing
is told of who is not known and came only once: a crowd of strangers would fill the link.
"""

from collections import Counter
from collections.abc import Mapping

from gateway.model import TagState
from gateway.tags.regulars import Regulars

EVERY_S = 600.0
CHANGE_EVERY_S = 10.0
PERCENT_STEP = 5.0
MOST_IDENTIFIERS = 4_096
MOST_WAITING = 200  # to be told, at once
NAMES_KEPT = 32  # of one identifier; more than any format has
SEALED = "sealed"  # the name under which an encrypted frame is remembered; it has no value


class _Told:
    __slots__ = ("at_s", "value")

    def __init__(self, value: float, at_s: float) -> None:
        self.value = value
        self.at_s = at_s


class TagStates:
    """Feed it with `hear`; `due` gives what is to be told now, each identifier once.

    `counts`: states_full, of states that found `MOST_WAITING` before them (they come again).
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: Regulars[str, dict[str, _Told]] = Regulars(
            most=MOST_IDENTIFIERS, settles_s=1.0, forgets_s=2 * EVERY_S
        )
        self._waiting: dict[str, TagState] = {}

    def hear(self, state: TagState, *, known: bool, now: float) -> None:
        """One hearing; `now` is monotonic."""
        told = self._told.find(state.identifier, now)
        if told is None:
            told = {}
        known = self._told.note(state.identifier, told, now) or known
        has_news = any(_is_news(value, told.get(name), name, now) for name, value in _named(state))
        if known and (has_news or state.identifier in self._waiting):
            self._wait(state)

    def due(self, now: float) -> list[TagState]:
        """What is told now, and so remembered."""
        found = []
        for identifier, state in tuple(self._waiting.items()):
            told = self._told.find(identifier, now)
            if told is None:
                told = {}
                self._told.note(identifier, told, now)
            last_s = max(
                (told[name].at_s for name, _ in _named(state) if name in told), default=None
            )
            if last_s is not None and now - last_s < CHANGE_EVERY_S:
                continue
            del self._waiting[identifier]
            for name, value in _named(state):
                if name in told or len(told) < NAMES_KEPT:
                    told[name] = _Told(value, now)
            found.append(state)
        return found

    def _wait(self, state: TagState) -> None:
        before = self._waiting.get(state.identifier)
        if before is None and len(self._waiting) >= MOST_WAITING:
            self.counts["states_full"] += 1
            return
        self._waiting[state.identifier] = state if before is None else _joined(before, state)


def _named(state: TagState) -> list[tuple[str, float]]:
    named = list(state.values.items())
    return [*named, (SEALED, 0.0)] if state.sealed else named


def _is_news(value: float, told: _Told | None, name: str, now: float) -> bool:
    if told is None or now - told.at_s >= EVERY_S:
        return True
    if name.endswith("_percent"):
        return abs(value - told.value) >= PERCENT_STEP
    return value != told.value and value in (0, 1) and told.value in (0, 1)


def _joined(before: TagState, state: TagState) -> TagState:
    """The later word on each name."""
    values: Mapping[str, float] = {**before.values, **state.values}
    return TagState(
        state.at, state.receiver, state.identifier, values, state.sealed or before.sealed
    )
