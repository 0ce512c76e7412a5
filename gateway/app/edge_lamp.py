"""One lamp of an edge: what is known of it, what was decided about it, what was told of it."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from gateway.lamps import Decision, LampEvent, LampOrder, LampReading, LampType
from gateway.lights.bus_words import NodeCommand, Polled
from gateway.lights.faults import FaultWatch
from gateway.lights.following import TOLERANCE, Following
from gateway.lights.limits import LimitsError, limits_of
from gateway.lights.profiles import Profile

NEWS_POINTS = 5.0  # a level that moves is told again after so many percent, and where it ends

_log = structlog.get_logger()


class EdgeLamp:
    """`told` is the last reading that was told to the hub, `reading` the last there is."""

    def __init__(
        self,
        order: LampOrder,
        lamp_type: LampType,
        profile: Profile,
        *,
        open_events: Sequence[LampEvent] = (),
    ) -> None:
        self.order = order
        self.profile = profile
        self.following = Following()
        self.decision: Decision | None = None
        self.reading: LampReading | None = None
        self.told: LampReading | None = None
        self._type = lamp_type
        self._values: dict[str, float | bool | None] = {}
        self._masked: dict[str, str] = {}
        self.watch = self._new_watch(open_events)

    @property
    def nominal_voltage_v(self) -> float:
        """Of its type."""
        return self._type.nominal_voltage_v

    def is_node_of(self, order: LampOrder) -> bool:
        """Whether `order` is of the same node on the same bus."""
        own = self.order
        return (own.bus, own.unit, own.profile) == (order.bus, order.unit, order.profile)

    def follow(self, order: LampOrder, lamp_type: LampType) -> None:
        """Its order changed, and it still is the same node on the same bus."""
        before, self.order = self.order, order
        if before.fallback_level != order.fallback_level:
            self.following.settings_due = True
        if (self._type, before.limits) != (lamp_type, order.limits):
            self._type = lamp_type
            self.watch_anew()

    def watch_anew(self) -> None:
        """Forget what was seen and is not yet a fault: limits, or the clock, have changed."""
        self.watch = self._new_watch(self.watch.open)

    def decide(self, decision: Decision) -> None:
        """What it is to have now."""
        self.decision = decision
        self.following.want(decision.level)

    def command(self, now: float, *, watchdog_s: float) -> NodeCommand | None:
        """What its node must be told, by the last decision; its settings with it where due."""
        if self.decision is None:
            return None
        settings = self.following.with_settings(now)
        return NodeCommand(
            lamp=self.order.lamp,
            level=self.decision.level,
            ramp_s=self.decision.ramp_s,
            fallback_level=self.order.fallback_level if settings else None,
            watchdog_s=watchdog_s if settings else None,
            ref=self.decision.source,
        )

    def answered(self, polled: Polled) -> LampReading | None:
        """An answer to one block of its registers, laid over what the others said before.

        None before the first decision: a reading says what was wanted, too.
        """
        self._values.update(polled.values)
        for name in polled.values:
            self._masked.pop(name, None)
        self._masked.update(polled.masked)
        if "feedback_level" in polled.values or "feedback_level" not in self.profile.quantities:
            autonomous = self._values.get("autonomous")
            self.following.polled(
                self._values.get("feedback_level"),
                autonomous=None if autonomous is None else bool(autonomous),
            )
        if self.decision is not None:
            self.reading = self._reading(polled.at, self.decision)
        return self.reading

    def is_news(self) -> bool:
        """Whether the hub should hear of the last reading before the minute is over."""
        return self.reading is not None and (self.told is None or _differ(self.told, self.reading))

    def _reading(self, at: float, decision: Decision) -> LampReading:
        said: Mapping[str, object] = {
            **self._values,
            "at": at,
            "lamp": self.order.lamp,
            "authority": decision.authority,
            "reason": decision.reason,
            "target_level": decision.level,
            "meter_class": self.profile.meter_class,
            "masked": dict(self._masked),
        }
        return msgspec.convert(said, LampReading, strict=False)  # registers give 7.0 for a count

    def _new_watch(self, open_events: Sequence[LampEvent]) -> FaultWatch:
        try:
            limits = limits_of(self._type, self.order.limits)
        except LimitsError as error:
            _log.error(
                "a lamp's own limits cannot be used; those of its type are",
                lamp=self.order.lamp,
                reason=str(error),
            )
            limits = limits_of(self._type, {})
        return FaultWatch(self.order.lamp, self._type, limits, open_events=open_events)


def _differ(told: LampReading, now: LampReading) -> bool:
    """Whether anything that a person looks for is another than was told."""
    if (told.target_level, told.authority) != (now.target_level, now.authority):
        return True
    if _apart(told.feedback_level, now.feedback_level, TOLERANCE):
        return True
    if _apart(told.actual_level, now.actual_level, NEWS_POINTS):
        return True
    settled = not _apart(now.actual_level, now.feedback_level, TOLERANCE)
    return settled and _apart(told.actual_level, now.actual_level, TOLERANCE)


def _apart(one: float | None, other: float | None, points: float) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > points
