"""A lamp under watch: its readings are sound but for what a test says."""

from collections.abc import Callable, Mapping

from gateway.lamps import LampEvent, LampEventKind, LampReading, LampType
from gateway.lights.expected import expected_w
from gateway.lights.faults import FaultWatch
from gateway.lights.limits import limits_of

LED = LampType(
    "led-40",
    power_curve=((0, 0.4), (25, 11.5), (50, 20.5), (75, 30.0), (100, 40.0)),
    warm_up_s=5.0,
    power_factor_curve=((10, 0.5), (50, 0.65), (100, 0.9)),
)
SODIUM = LampType(
    "sodium-110",
    power_curve=((0, 0.0), (50, 68.0), (75, 96.0), (90, 114.0), (100, 127.0)),
    warm_up_s=300.0,
)
START = 1_775_000_000.0


def sound(at: float, level: float = 100.0, lamp_type: LampType = LED) -> dict[str, object]:
    """The fields of a reading of a lamp that does what it is told."""
    return {
        "at": at,
        "lamp": "l-1",
        "target_level": level,
        "feedback_level": level,
        "actual_level": level,
        "active_power_w": expected_w(lamp_type, level),
        "supply_voltage_v": 200.0,
        "power_factor": 0.95,
        "temperature_c": 25.0,
        "tilt_deg": 1.0,
        "door_open": False,
        "breaker_tripped": False,
        "leakage": False,
    }


class Watched:
    """A watch and its clock. `every_s` is the pace of the polls."""

    def __init__(
        self,
        lamp_type: LampType = LED,
        *,
        limits: Mapping[str, float] | None = None,
        every_s: float = 1.0,
        open_events: tuple[LampEvent, ...] = (),
    ) -> None:
        self.lamp_type = lamp_type
        self.every_s = every_s
        self.at = START
        self.told: list[LampEvent] = []
        self.watch = FaultWatch(
            "l-1", lamp_type, limits_of(lamp_type, limits or {}), open_events=open_events
        )

    def poll(
        self,
        seconds: float,
        level: float = 100.0,
        *,
        change: Callable[[float], Mapping[str, object]] | None = None,
        **fields: object,
    ) -> list[LampEvent]:
        """Polls for `seconds`; what the watch told meanwhile. `change` gives fields by the time."""
        told: list[LampEvent] = []
        until = self.at + seconds
        while self.at < until:
            self.at += self.every_s
            more = {} if change is None else change(self.at)
            reading = sound(self.at, level, self.lamp_type) | fields | dict(more)
            told += self.watch.update(LampReading(**reading))  # type: ignore[arg-type] # by name
        self.told += told
        return told

    def miss(self, seconds: float, *, segment_powered: bool = True) -> list[LampEvent]:
        """Polls that nobody answers."""
        told: list[LampEvent] = []
        until = self.at + seconds
        while self.at < until:
            self.at += self.every_s
            told += self.watch.missed(self.at, segment_powered=segment_powered)
        self.told += told
        return told

    @property
    def open(self) -> set[LampEventKind]:
        return {event.kind for event in self.watch.open}
