"""A line of each measurement with every tag and every field that the sink ever writes."""

from gateway.lamps import QUANTITIES, Authority, LampEvent, LampEventKind, LampReading
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    GatewayHealth,
    Position,
    Presence,
    ReceiverHealth,
)
from gateway.outputs.lines import (
    alert_line,
    gateway_line,
    lamp_event_line,
    lamp_line,
    position_line,
    receiver_line,
)
from tests.unit.outputs.line_protocol import Point, read_line

FLAGS = {"motion", "door_open", "breaker_tripped", "leakage", "autonomous"}


def whole_lines(*, at: float, site: str) -> list[str]:
    """The lines at a time."""
    said = {name: True if name in FLAGS else 1.5 for name in QUANTITIES}
    lines = [
        position_line(
            Position(at, "t-1", 140.9, 36.9, 1.0, 2.0, 3, Presence.TRACKED, (("park", 0.9),)),
            site=site,
        ),
        alert_line(
            Alert(
                id="a-1",
                kind=AlertKind.SOS,
                state=AlertState.RAISED,
                at=at,
                raised_at=at,
                tag="t-1",
                zone="park",
                gateway="gw-01",
                receiver="r-1",
            ),
            site=site,
        ),
        lamp_line(
            LampReading(at, "l-1", Authority.STAFF, target_level=50, meter_class=1.0, **said),
            site=site,
        ),
        lamp_event_line(
            LampEvent(
                "l-1",
                LampEventKind.LAMP_FAILURE,
                at,
                {"active_power_w": 0.5, "expected_w": 40.0, "missed_polls": 0.0},
            ),
            site=site,
        ),
        gateway_line(
            GatewayHealth(at, "gw-01", True, 1.0, "1.0", True, 0.1, 1, 2.0, 3, 4, 5), site=site
        ),
        receiver_line(ReceiverHealth(at, "gw-01", "r-1", "scanning", 12.0, 0.5, 1), site=site),
    ]
    assert all(isinstance(line, str) for line in lines)
    return [str(line) for line in lines]


def whole_points() -> dict[str, Point]:
    """The same, by measurement."""
    points = [read_line(line) for line in whole_lines(at=1.0, site="s")]
    return {point.measurement: point for point in points if point is not None}
