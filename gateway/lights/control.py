"""Who decides a lamp's level: what people say, by their authority, and under them its program.

The clock of a gateway may be wrong after a power cut, and light must not go out because a computer
did. While the clock is not set, every lamp has the level that its node would take without a master
(`fallback_level`), under what the hub has said since this process began; that holds for as long as
it was meant to, counted from when it came. What was stored before cannot be judged, and waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from gateway.lamps import Authority, Decision, LampOrder, Override
from gateway.lights.orders import LightOrders, Overrides

FULL_LEVEL = 100.0
BLINK_S = 2.0  # on, and as long off
SLOW_WARM_UP_S = 30.0  # a lamp that takes so long to come back is not switched off to be found …
SLOW_BLINK_LEVEL = 50.0  # … but dimmed
AT_ONCE_S = 1.0  # an override that starts within this of its making starts when it comes

_PEOPLE = (Authority.SAFETY, Authority.TECHNICIAN, Authority.STAFF)


class Programs(Protocol):
    """What decides where nobody says anything: see gateway/lights/programs.py."""

    def decide(self, lamp: str, at: float) -> Decision:
        """By sensors, program or fallback. Raises KeyError for a lamp not in the orders."""
        ...

    def follow(self, orders: LightOrders) -> None:
        """The orders changed."""
        ...


class Standing(StrEnum):
    """How an override stands at one lamp."""

    NOT_YET = "not_yet"
    HOLDS = "holds"
    OUTRANKED = "outranked"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class _Told:
    override: Override
    came_at: float | None  # None: it was on the disk when the process began

    @property
    def order(self) -> tuple[float, str]:
        return self.override.made_at, self.override.id


@dataclass(frozen=True, slots=True)
class _Easing:
    """The way back from an override that ended at `since`."""

    since: float
    ramp_s: float


class Control:
    """The order of authority: safety, technician, staff, then the programs.

    Times are UTC of the edge's clock; `synced` says whether that can be true.
    """

    def __init__(self, programs: Programs, orders: LightOrders) -> None:
        self._programs = programs
        self._lamps: Mapping[str, LampOrder] = {}
        self._slow: frozenset[str] = frozenset()
        self._told: dict[str, tuple[_Told, ...]] = {}  # by lamp, the last made first
        self._came_at: dict[str, float | None] = {}
        self._held: dict[str, Override] = {}
        self._easing: dict[str, _Easing] = {}
        self._learn(orders)

    def follow(self, orders: LightOrders) -> None:
        """The lamps or their programs changed; what people said stays."""
        self._programs.follow(orders)
        self._learn(orders)

    def overrides(self, overrides: Overrides, at: float, *, stored: bool = False) -> None:
        """What people say now, whole. `stored`: read from the disk, not just come from the hub."""
        came_at = {one.id: self._came_at.get(one.id) for one in overrides.overrides}
        if not stored:
            came_at = {one: at if came is None else came for one, came in came_at.items()}
        self._came_at = came_at
        told = [_Told(one, came_at[one.id]) for one in overrides.overrides]
        by_lamp: dict[str, list[_Told]] = {}
        for one in sorted(told, key=lambda one: one.order, reverse=True):
            for lamp in one.override.lamps:
                by_lamp.setdefault(lamp, []).append(one)
        self._told = {lamp: tuple(of_lamp) for lamp, of_lamp in by_lamp.items()}

    def decide(self, lamp: str, at: float, *, synced: bool = True) -> Decision:
        """The level of `lamp` now, and why. Raises KeyError for a lamp not in the orders."""
        order = self._lamps[lamp]
        holder = self._holder(lamp, at, synced=synced)
        self._note(lamp, holder, at)
        if holder is not None:
            return self._decision(holder, lamp, at)
        if synced:
            return self._eased(self._programs.decide(lamp, at), lamp, at)
        return Decision(
            at=at,
            level=order.fallback_level,
            authority=Authority.FALLBACK,
            reason=f"the gateway's clock is not set: {order.fallback_level:g} %",
        )

    def standing(self, override: Override, lamp: str, at: float, *, synced: bool) -> Standing:
        """Whether `override` decides about `lamp`, itself or by leaving it to the program."""
        for authority in _PEOPLE[: _PEOPLE.index(override.authority) + 1]:
            for one in self._told.get(lamp, ()):
                if one.override.authority is not authority:
                    continue
                state = _state(one, at, synced=synced)
                if one.override.id == override.id:
                    return state
                if state is Standing.HOLDS:
                    if authority is override.authority or _says(one.override):
                        return Standing.OUTRANKED
                    break
        return Standing.OVER

    def _learn(self, orders: LightOrders) -> None:
        slow_types = {one.id for one in orders.types if one.warm_up_s > SLOW_WARM_UP_S}
        self._lamps = {one.lamp: one for one in orders.lamps}
        self._slow = frozenset(one.lamp for one in orders.lamps if one.lamp_type in slow_types)

    def _holder(self, lamp: str, at: float, *, synced: bool) -> Override | None:
        """Of the highest authority that says something, the last word."""
        for authority in _PEOPLE:
            for one in self._told.get(lamp, ()):
                if one.override.authority is not authority:
                    continue
                if _state(one, at, synced=synced) is Standing.HOLDS:
                    if _says(one.override):
                        return one.override
                    break
        return None

    def _note(self, lamp: str, holder: Override | None, at: float) -> None:
        before = self._held.pop(lamp, None)
        if holder is not None:
            self._held[lamp] = holder
            self._easing.pop(lamp, None)
        elif before is not None and before.ramp_from_level_s > 0:
            self._easing[lamp] = _Easing(at, before.ramp_from_level_s)

    def _decision(self, override: Override, lamp: str, at: float) -> Decision:
        level = FULL_LEVEL if override.level is None else override.level
        reason = f"{override.authority} override: {level:g} %"
        if override.blink:
            level = FULL_LEVEL if at // BLINK_S % 2 == 0 else self._dark(lamp)
            reason = "blinking, to be found"
        elif override.scene:
            reason = f"scene {override.scene}: {level:g} %"
        return Decision(
            at=at,
            level=level,
            authority=override.authority,
            reason=reason,
            source=override.id,
            ramp_s=0.0 if override.blink else override.ramp_to_level_s,
            until=override.expiration,
        )

    def _dark(self, lamp: str) -> float:
        return SLOW_BLINK_LEVEL if lamp in self._slow else 0.0

    def _eased(self, decision: Decision, lamp: str, at: float) -> Decision:
        """The program's decision, reached as slowly as the override that ended wants it."""
        easing = self._easing.get(lamp)
        if easing is None:
            return decision
        left_s = easing.ramp_s - (at - easing.since)
        if not 0 < left_s <= easing.ramp_s:
            del self._easing[lamp]
            return decision
        return replace(decision, ramp_s=max(left_s, decision.ramp_s))


def _says(override: Override) -> bool:
    """Whether it says a level; without one it leaves the lamp to whoever comes after."""
    return override.level is not None or override.blink


def _state(told: _Told, at: float, *, synced: bool) -> Standing:
    override = told.override
    if not synced:
        if told.came_at is None:
            return Standing.NOT_YET
        lasts_s = override.expiration - max(override.start, override.made_at)
        return Standing.HOLDS if 0 <= at - told.came_at < lasts_s else Standing.OVER
    if at >= override.expiration:
        return Standing.OVER
    at_once = override.start <= override.made_at + AT_ONCE_S
    return Standing.HOLDS if at_once or at >= override.start else Standing.NOT_YET
