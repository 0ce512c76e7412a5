import pytest

from gateway.link.topics import ANY, LaneAddress, Topics
from gateway.model import Lane

TOPICS = Topics("iwaki")


def test_topics_are_those_of_the_table() -> None:
    assert TOPICS.gateway_status("gw-07") == "machimori/v1/iwaki/gw/gw-07/status"
    assert TOPICS.up("gw-07", Lane.LIVE) == "machimori/v1/iwaki/gw/gw-07/up/live"
    assert TOPICS.up_receipt("gw-07") == "machimori/v1/iwaki/gw/gw-07/up/receipt"
    assert TOPICS.down("gw-07", Lane.URGENT) == "machimori/v1/iwaki/gw/gw-07/down/urgent"
    assert TOPICS.down_receipt("gw-07") == "machimori/v1/iwaki/gw/gw-07/down/receipt"
    assert TOPICS.hub_status("hub") == "machimori/v1/iwaki/hub/hub/status"
    assert TOPICS.out("hub", Lane.BACKLOG) == "machimori/v1/iwaki/hub/hub/out/backlog"
    assert TOPICS.out_receipt("hub") == "machimori/v1/iwaki/hub/hub/out/receipt"
    assert TOPICS.alert("a1") == "machimori/v1/iwaki/alerts/a1"
    assert TOPICS.lamp_state("l1") == "machimori/v1/iwaki/lamps/l1/state"
    assert TOPICS.tag_position("t1") == "machimori/v1/iwaki/tags/t1/position"


@pytest.mark.parametrize("lane", list(Lane))
def test_the_address_of_a_lane_is_read_back(lane: Lane) -> None:
    for topic in (TOPICS.up("x", lane), TOPICS.down("x", lane), TOPICS.out("x", lane)):
        assert TOPICS.lane_address(topic) == LaneAddress(owner="x", lane=lane)


@pytest.mark.parametrize(
    "topic",
    [
        TOPICS.up_receipt("x"),
        TOPICS.gateway_status("x"),
        "machimori/v1/elsewhere/gw/x/up/live",
        "machimori/v1/iwaki/gw/x/up/fast",
        "gw/x/up/live",
        "",
    ],
)
def test_what_is_no_lane_of_the_site_has_no_address(topic: str) -> None:
    assert TOPICS.lane_address(topic) is None


def test_the_lanes_to_subscribe_to_leave_the_receipts_out() -> None:
    assert TOPICS.up_receipt(ANY) not in TOPICS.up_lanes(ANY)
    assert set(TOPICS.down_lanes("x")) == {TOPICS.down("x", lane) for lane in Lane}
    assert set(TOPICS.out_lanes("x")) == {TOPICS.out("x", lane) for lane in Lane}


def test_the_owner_of_a_topic_is_read_back() -> None:
    assert TOPICS.owner(TOPICS.gateway_status("gw-07")) == "gw-07"
    assert TOPICS.owner(TOPICS.hub_status("hub")) == "hub"
    assert TOPICS.owner("machimori/v1/iwaki/alerts/a1") is None
