"""What integrators get: never a person in an alert, a position only by consent, nothing kept."""

import json

from gateway.link.topics import Topics
from gateway.model import Alert, AlertKind, AlertState, Position, Presence
from gateway.outputs.topics import (
    alert_publication,
    lamp_publication,
    position_publication,
)

TOPICS = Topics("iwaki")
ALERT = Alert(
    id="a1",
    kind=AlertKind.SOS,
    state=AlertState.RAISED,
    at=100.0,
    raised_at=101.5,
    tag="t-17",
    zone="park",
    gateway="gw-01",
    receiver="rx-12",
)
POSITION = Position(
    at=100.0,
    tag="t-17",
    lon=140.9,
    lat=36.9,
    radius68_m=2.0,
    radius95_m=5.0,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(("park", 0.9),),
)


def test_an_alert_goes_out_without_whom_and_without_where_it_was_heard() -> None:
    publication = alert_publication(ALERT, topics=TOPICS)
    assert publication.topic == "machimori/v1/iwaki/alerts/a1"
    assert json.loads(publication.payload) == {
        "v": 1,
        "alert": "a1",
        "kind": "sos",
        "state": "raised",
        "zone": "park",
        "at": 100.0,
        "raised_at": 101.5,
    }
    assert not publication.retain


def test_an_alert_about_a_gateway_names_it() -> None:
    alert = Alert(
        id="a2",
        kind=AlertKind.CLOCK_OFF,
        state=AlertState.RAISED,
        at=100.0,
        raised_at=100.0,
        gateway="gw-01",
    )
    assert json.loads(alert_publication(alert, topics=TOPICS).payload)["gateway"] == "gw-01"


def test_a_position_goes_out_only_for_a_tag_that_opted_in() -> None:
    assert position_publication(POSITION, topics=TOPICS, opted_in=()) is None
    assert position_publication(POSITION, topics=TOPICS, opted_in={"t-1"}) is None
    publication = position_publication(POSITION, topics=TOPICS, opted_in={"t-17"})
    assert publication is not None
    assert publication.topic == "machimori/v1/iwaki/tags/t-17/position"
    assert json.loads(publication.payload)["lon"] == 140.9
    assert not publication.retain


def test_a_lamp_is_kept_by_the_broker_for_who_comes_later() -> None:
    publication = lamp_publication("l-1", {"type": "Streetlight"}, topics=TOPICS)
    assert publication.topic == "machimori/v1/iwaki/lamps/l-1/state"
    assert json.loads(publication.payload) == {"type": "Streetlight"}
    assert publication.retain


def test_a_name_cannot_reach_into_another_topic() -> None:
    alert = Alert(
        id="../#/+",
        kind=AlertKind.SOS,
        state=AlertState.RAISED,
        at=0.0,
        raised_at=0.0,
    )
    level = alert_publication(alert, topics=TOPICS).topic.removeprefix("machimori/v1/iwaki/alerts/")
    assert not set(level) & set("/+#")
