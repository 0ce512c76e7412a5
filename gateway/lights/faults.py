"""A lamp's readings become faults: each told when it begins and when it is over."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.lamps import LampEvent, LampEventKind, LampReading, LampType
from gateway.lights.fault_cycles import Cycles
from gateway.lights.fault_rules import RULES, Facts, evidence
from gateway.lights.fault_shape import PowerShape
from gateway.lights.fault_stance import LONGEST_GAP_S, Standing
from gateway.lights.fault_track import Track
from gateway.lights.limits import Limits

_SILENT = (LampEventKind.COMMUNICATION_FAILURE, LampEventKind.SUPPLY_LOSS)


class FaultWatch:
    """One lamp's faults, at its edge. Feed it every poll, answered (`update`) or not (`missed`).

    A reading's `target_level` is what was commanded when it was read. Several readings a minute
    are enough, one a second is good: a fault's time to detection is its `…_for_s` and a poll.
    `open` may be stored and given to the watch of the next process as `open_events`.
    """

    def __init__(
        self,
        lamp: str,
        lamp_type: LampType,
        limits: Limits,
        *,
        open_events: Sequence[LampEvent] = (),
    ) -> None:
        self.lamp = lamp
        self._type = lamp_type
        self._limits = limits
        known = {event.kind: event for event in open_events if event.lamp == lamp}
        silent = [known.pop(kind) for kind in _SILENT if kind in known]
        self._silence = _Silence(lamp, limits, silent[0] if silent else None)
        self._tracks = tuple((rule, Track(lamp, rule.kind, known.get(rule.kind))) for rule in RULES)
        self._standing = Standing(lamp_type, limits)
        self._shape = PowerShape()
        self._cycles = Cycles(limits)
        self._tilt: tuple[float, float] | None = None

    @property
    def open(self) -> tuple[LampEvent, ...]:
        """The faults that have begun and are not over."""
        events = [track.event for _, track in self._tracks if track.event is not None]
        if self._silence.event is not None:
            events.append(self._silence.event)
        return tuple(events)

    def update(self, reading: LampReading) -> list[LampEvent]:
        """The events that begin or end with an answer; those that end have an `end`."""
        told = self._silence.answered(reading.at)
        facts = self._facts(reading, missed=self._silence.was_long)
        for rule, track in self._tracks:
            is_open = track.event is not None
            verdict = rule.judge(facts, is_open)
            if not (verdict or is_open) and track.turned_at is None:
                continue  # as nearly always
            event = track.judge(
                verdict,
                reading.at,
                for_s=getattr(self._limits, rule.for_s) if rule.for_s else 0.0,
                clear_for_s=getattr(self._limits, rule.clear_for_s),
                evidence=evidence(rule, facts, cycles=self._cycles.counted),
            )
            if event is not None:
                told.append(event)
        return told

    def missed(self, at: float, *, segment_powered: bool = True) -> list[LampEvent]:
        """The events that begin or end with a poll that was not answered.

        While the segment is without power a silent lamp has lost its supply, not its wire.
        """
        return self._silence.missed(at, segment_powered=segment_powered)

    def _facts(self, reading: LampReading, *, missed: bool) -> Facts:
        stance = self._standing.update(reading, missed=missed)
        self._shape.update(stance)
        cycled = self._cycles.update(stance)
        cycling = self._tracks[0][1].event is not None
        return Facts(
            stance,
            self._limits,
            self._type,
            self._shape.shape,
            cycled,
            cycling,
            self._tilted(reading),
        )

    def _tilted(self, reading: LampReading) -> float:
        """How far it moved since the reading before, degrees."""
        if reading.tilt_deg is None:
            return 0.0
        before, self._tilt = self._tilt, (reading.at, reading.tilt_deg)
        if before is None or reading.at - before[0] > LONGEST_GAP_S:
            return 0.0
        return abs(reading.tilt_deg - before[1])


class _Silence:
    """Polls without an answer: communicationFailure, or supplyLoss where the segment is dark."""

    def __init__(self, lamp: str, limits: Limits, event: LampEvent | None) -> None:
        self.event = event
        self.was_long = False
        self._lamp = lamp
        self._limits = limits
        self._polls = 0
        self._since = 0.0
        self._powered: bool | None = None

    def answered(self, at: float) -> list[LampEvent]:
        """Whatever it was, it is over."""
        self.was_long = self._polls >= self._limits.missed_polls or self.event is not None
        self._polls = 0
        return self._end(at)

    def missed(self, at: float, *, segment_powered: bool) -> list[LampEvent]:
        """One more; they count anew where the segment lost its power or got it back."""
        if self._polls == 0 or (segment_powered and self._powered is False):
            self._polls, self._since = 0, at
        self._polls += 1
        self._powered = segment_powered
        long = self._polls >= self._limits.missed_polls
        if not long or at - self._since < self._limits.missed_for_s:
            return []
        kind = LampEventKind.COMMUNICATION_FAILURE
        if not segment_powered:
            kind = LampEventKind.SUPPLY_LOSS
        if self.event is not None and (self.event.kind is kind or not segment_powered):
            return []
        ended = self._end(self._since)
        self.event = LampEvent(self._lamp, kind, self._since, {"missed_polls": float(self._polls)})
        return [*ended, self.event]

    def _end(self, at: float) -> list[LampEvent]:
        if self.event is None:
            return []
        ended = replace(self.event, end=max(at, self.event.start))
        self.event = None
        return [ended]
