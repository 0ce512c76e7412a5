"""Line protocol: what a point is, and how every value comes back as it was."""

import math
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from gateway.lamps import Authority, LampEvent, LampEventKind, LampReading
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    GatewayHealth,
    Position,
    Presence,
    ReceiverHealth,
    Rejected,
)
from gateway.outputs.lines import (
    alert_line,
    gateway_line,
    lamp_event_line,
    lamp_line,
    position_line,
    receiver_line,
    timestamp_ms,
)

POSITION = Position(
    at=1_767_322_800.25,
    tag="t-17",
    lon=140.9612345678901,
    lat=36.95,
    radius68_m=2.5,
    radius95_m=6.0,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(("park", 0.7), ("school", 0.3)),
    path="north pavement",
    path_probability=0.75,
)
ALERT = Alert(
    id="a1",
    kind=AlertKind.ZONE_ENTER,
    state=AlertState.RAISED,
    at=1_767_322_800.25,
    raised_at=1_767_322_801.5,
    tag="t-17",
    zone="school",
)


def test_a_position_is_one_point_of_its_site_and_tag() -> None:
    assert position_line(POSITION, site="iwaki") == (
        "position,site=iwaki,tag=t-17 lon=140.9612345678901,lat=36.95,radius68_m=2.5,"
        'radius95_m=6.0,n_heard=3i,presence="tracked",zone="park",path="north pavement",'
        "path_probability=0.75 1767322800250"
    )


def test_an_alert_is_one_point_of_its_state_and_of_all_that_it_is_about() -> None:
    assert alert_line(ALERT, site="iwaki") == (
        "alert,kind=zone_enter,site=iwaki,state=raised,tag=t-17,zone=school "
        'id="a1",raised_at=1767322801.5 1767322800250'
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [(1.0004, 1000), (1.0006, 1001), (1_767_322_800.9996, 1_767_322_801_000), (-0.25, -250)],
)
def test_times_are_rounded_to_the_nearest_millisecond(at: float, expected: int) -> None:
    assert timestamp_ms(at) == expected
    assert str(position_line(changed(POSITION, at=at), site="s")).endswith(f" {expected}")


def test_a_whole_number_is_written_as_a_float_so_that_a_field_never_changes_its_type() -> None:
    line = str(position_line(changed(POSITION, lon=140, radius68_m=3), site="s"))
    assert "lon=140.0," in line
    assert "radius68_m=3.0," in line


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ((), ""),
        ((("park", 0.49), ("school", 0.48)), ""),
        ((("park", 0.5), ("school", 0.5)), "park"),
    ],
)
def test_a_zone_is_named_only_if_it_is_as_likely_as_not(
    zones: tuple[tuple[str, float], ...], expected: str
) -> None:
    assert f'zone="{expected}",' in str(position_line(changed(POSITION, zones=zones), site="s"))


def test_what_delimits_a_tag_or_a_text_is_escaped() -> None:
    zones = (('a "quoted\\ zone', 1.0),)
    line = str(position_line(changed(POSITION, tag="a,b=c d", zones=zones), site="い わき"))
    assert line.startswith("position,site=い\\ わき,tag=a\\,b\\=c\\ d lon=")
    assert 'zone="a \\"quoted\\\\ zone",' in line


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "a\\", "\ud800"])
def test_a_text_that_line_protocol_cannot_spell_is_rejected_not_bent(text: str) -> None:
    assert position_line(changed(POSITION, tag=text), site="s") == Rejected("unwritable_text")
    assert position_line(changed(POSITION, path=text), site="s") == Rejected("unwritable_text")
    assert alert_line(replace(ALERT, id=text), site="s") == Rejected("unwritable_text")
    assert alert_line(replace(ALERT, receiver=text), site="s") == Rejected("unwritable_text")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_rejected(number: float) -> None:
    assert position_line(changed(POSITION, lat=number), site="s") == Rejected("unwritable_number")
    assert position_line(changed(POSITION, at=number), site="s") == Rejected("unwritable_number")
    assert alert_line(replace(ALERT, raised_at=number), site="s") == Rejected("unwritable_number")


def test_a_time_too_large_for_milliseconds_is_rejected() -> None:
    assert alert_line(replace(ALERT, at=1e306), site="s") == Rejected("unwritable_number")


def test_alerts_that_differ_in_anything_but_their_id_are_points_side_by_side() -> None:
    changes = [
        {"state": AlertState.RESOLVED},
        {"kind": AlertKind.SOS},
        {"tag": "t-18"},
        {"zone": "park"},
        {"gateway": "gw-01"},
        {"receiver": "rx-01"},
        {"at": ALERT.at + 0.001},
    ]
    lines = [str(alert_line(replace(ALERT, **change), site="s")) for change in [{}, *changes]]
    points = {(line.split(" ")[0], line.split(" ")[-1]) for line in lines}
    assert len(points) == len(lines)


LAMP = LampReading(
    at=1_767_322_800.25,
    lamp="l-1",
    authority=Authority.STAFF,
    reason="works at the crossing",
    target_level=50,
    actual_level=49.5,
    active_power_w=20.25,
    switch_on_counter=12,
    motion=False,
    masked={"illuminance_lx": "not fitted"},
)
FAULT = LampEvent("l-1", LampEventKind.LAMP_FAILURE, 100.5, {"active_power_w": 1, "expected_w": 40})


def test_a_lamp_is_one_point_of_what_it_said_and_of_nothing_else() -> None:
    assert lamp_line(LAMP, site="iwaki") == (
        'lamp,lamp=l-1,site=iwaki authority="staff",target_level=50.0,actual_level=49.5,'
        "active_power_w=20.25,switch_on_counter=12.0,motion=false 1767322800250"
    )


def test_a_lamp_that_could_read_nothing_is_still_a_point() -> None:
    silent = LampReading(at=1.0, lamp="l-1")
    assert lamp_line(silent, site="s") == 'lamp,lamp=l-1,site=s authority="fallback" 1000'


def test_a_fault_is_a_point_at_its_start_and_one_at_its_end() -> None:
    assert lamp_event_line(FAULT, site="s") == (
        "lamp_event,kind=lampFailure,lamp=l-1,site=s,state=start "
        "start=100.5,active_power_w=1.0,expected_w=40.0 100500"
    )
    assert str(lamp_event_line(replace(FAULT, end=160.0), site="s")).startswith(
        "lamp_event,kind=lampFailure,lamp=l-1,site=s,state=end start=100.5,"
    )
    assert str(lamp_event_line(replace(FAULT, end=160.0), site="s")).endswith(" 160000")


def test_what_a_lamp_cannot_have_said_is_rejected_not_bent() -> None:
    assert lamp_line(changed(LAMP, lamp="a\nb"), site="s") == Rejected("unwritable_text")
    assert lamp_line(changed(LAMP, tilt_deg=math.nan), site="s") == Rejected("unwritable_number")
    strange = replace(FAULT, evidence={"a=1,b": 1.0})
    assert lamp_event_line(strange, site="s") == Rejected("unwritable_text")
    assert lamp_event_line(replace(FAULT, start=math.inf), site="s") == Rejected(
        "unwritable_number"
    )


GATEWAY = GatewayHealth(
    at=1_767_322_800.0,
    gateway="gw-01",
    online=True,
    said_s=3.5,
    version="1.2",
    synced=True,
    skew_s=-1,
    outbox_rows=7,
    outbox_oldest_s=2.5,
    sightings=100,
    rows_sent=20,
    connections_lost=1,
)
RECEIVER = ReceiverHealth(1_767_322_800.0, "gw-01", "r-1", "scanning", 12, 0.5, 2)


def test_a_gateway_is_a_point_of_what_it_said() -> None:
    assert gateway_line(GATEWAY, site="iwaki") == (
        'gateway,gateway=gw-01,site=iwaki online=true,version="1.2",synced=true,said_s=3.5,'
        "skew_s=-1.0,outbox_oldest_s=2.5,outbox_rows=7i,sightings=100i,rows_sent=20i,"
        "connections_lost=1i 1767322800000"
    )
    gone = GatewayHealth(1.0, "gw-01", online=False, said_s=90.0)
    assert gateway_line(gone, site="s") == (
        "gateway,gateway=gw-01,site=s online=false,said_s=90.0 1000"
    )


def test_a_receiver_is_a_point_of_its_state_and_of_nobody() -> None:
    assert receiver_line(RECEIVER, site="iwaki") == (
        'receiver,gateway=gw-01,receiver=r-1,site=iwaki state="scanning",adverts_per_s=12.0,'
        "silent_s=0.5,restarts=2i 1767322800000"
    )
    gone = ReceiverHealth(1.0, "gw-01", "r-1", "offline")
    assert receiver_line(gone, site="s") == (
        'receiver,gateway=gw-01,receiver=r-1,site=s state="offline" 1000'
    )


def test_what_a_gateway_cannot_have_said_is_rejected_not_bent() -> None:
    assert gateway_line(replace(GATEWAY, version="a\n"), site="s") == Rejected("unwritable_text")
    assert gateway_line(replace(GATEWAY, skew_s=math.inf), site="s") == Rejected(
        "unwritable_number"
    )
    assert receiver_line(replace(RECEIVER, state="\x00"), site="s") == Rejected("unwritable_text")
    assert receiver_line(replace(RECEIVER, adverts_per_s=math.nan), site="s") == Rejected(
        "unwritable_number"
    )
