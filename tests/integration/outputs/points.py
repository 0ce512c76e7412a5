"""Points of every measurement that the sink writes, for the tests against real servers."""

from gateway.lamps import LampEvent, LampEventKind, LampReading
from gateway.model import Alert, AlertKind, AlertState, Position, Presence
from gateway.outputs.lines import alert_line, lamp_event_line, lamp_line, position_line

SITE = "iwaki"
START = 1_767_322_800.0


def some_positions(count: int) -> list[Position]:
    """Positions of five tags, several a second, with every digit that a float has."""
    return [
        Position(
            at=START + n / 7,
            tag=f"t-{n % 5}",
            lon=140.95 + n / 3e6,
            lat=36.95 - n / 7e6,
            radius68_m=1.0 + n / 9,
            radius95_m=3.0 + n / 9,
            n_heard=n % 6,
            presence=Presence.TRACKED if n % 3 else Presence.UNCERTAIN,
            zones=(("park", 0.6),) if n % 2 else (),
        )
        for n in range(count)
    ]


def position_lines(some: list[Position]) -> list[str]:
    """Their lines."""
    return [str(position_line(position, site=SITE)) for position in some]


def other_lines() -> list[str]:
    """A line of each other measurement, with names that need escaping."""
    alert = Alert("a-1", AlertKind.SOS, AlertState.RAISED, START, START + 1.5, zone='a "b, c=d')
    reading = LampReading(at=START, lamp="l 1", actual_level=50.5, motion=False)
    event = LampEvent("l 1", LampEventKind.LAMP_FAILURE, START, {"active_power_w": 0.5})
    lines = [
        alert_line(alert, site=SITE),
        lamp_line(reading, site=SITE),
        lamp_event_line(event, site=SITE),
    ]
    return [str(line) for line in lines]
