"""What the broker keeps of hub, gateway and receivers, as words for a technician."""

from typing import Any

import pytest

from gateway.cli.doctor_link import (
    Speaker,
    not_reached,
    receiver_verdicts,
    room_settings,
    speakers_of,
    status_verdicts,
)
from gateway.cli.doctor_words import Mark, Verdict
from gateway.link.envelope import Status, encode
from gateway.link.topics import Message
from gateway.model import AdapterStatus, ReceiverSource, Role
from gateway.settings import BrokerSettings, Settings
from gateway.tags.remote import RemoteReceivers

NOW = 1_795_000_000.0
HUB = Speaker("hub hub", "machimori-hub", "machimori/v1/iwaki/hub/hub/status")
OMG = ReceiverSource("r-1", "openmqttgateway", "home/OMG_1")
ROOM = ReceiverSource("r-2", "espresense", "Pole 2")


def _status(**said: Any) -> list[Verdict]:
    status = Status(**{"online": True, "version": "1", "at": NOW - 5.0, **said})
    return list(status_verdicts(HUB, encode(status), now=NOW))


def _receivers(*said: tuple[str, bytes]) -> dict[str, Verdict]:
    sources = (OMG, ROOM)
    messages = {topic: Message(topic, payload, retained=True) for topic, payload in said}
    remote = RemoteReceivers(sources)
    verdicts = receiver_verdicts(remote, messages, room_settings(sources), now=NOW)
    return {verdict.part: verdict for verdict in verdicts}


def test_each_role_looks_at_its_hub_and_an_edge_at_itself() -> None:
    assert [one.part for one in speakers_of(Settings(roles=(Role.EDGE,)))] == [
        "hub hub",
        "gateway gw-01",
    ]
    assert [one.part for one in speakers_of(Settings(roles=(Role.SINK,)))] == ["hub hub"]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("[code:135] Not authorized", "password_file"),
        ("[Errno 111] Connection refused", "mosquitto"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "ca_file"),
        ("[Errno -2] Name or service not known", "network"),
    ],
)
def test_why_the_broker_is_not_reached_decides_what_to_do(reason: str, word: str) -> None:
    verdict = not_reached(BrokerSettings(), reason)
    assert verdict.mark is Mark.ILL
    assert word in verdict.remedy


def test_a_hub_that_said_a_moment_ago_that_it_is_online_is_well() -> None:
    assert [one.mark for one in _status()] == [Mark.WELL]


def test_a_hub_that_never_spoke_or_is_offline_is_ill() -> None:
    for payload in (None, b"{", encode(Status(online=False))):
        (verdict,) = status_verdicts(HUB, payload, now=NOW)
        assert verdict.mark is Mark.ILL
        assert "machimori-hub" in verdict.remedy


def test_an_old_word_worries_and_one_of_the_future_tells_that_clocks_differ() -> None:
    (old,) = _status(at=NOW - 600.0)
    (ahead,) = _status(at=NOW + 30.0)
    assert (old.mark, ahead.mark) == (Mark.WORRYING, Mark.ILL)
    assert ahead.what == "its clock is 30 s ahead of this machine's"


def test_what_a_gateway_says_to_be_wrong_is_passed_on() -> None:
    said = _status(
        synced=False,
        outbox_rows=9_000,
        outbox_oldest_s=7_200.0,
        problems={"bus-1": "bus bus-1: /dev/x is not there: plug the adapter in"},
        adapters={
            "hci0": AdapterStatus("r-1", "waiting", problem="powered off", remedy="power on"),
            "hci1": AdapterStatus("r-2", "scanning", mode="both", adverts_per_s=12.0),
        },
    )
    assert [(one.part, one.mark) for one in said] == [
        ("hub hub", Mark.WELL),
        ("hub hub", Mark.ILL),
        ("hub hub", Mark.WORRYING),
        ("hub hub, bus-1", Mark.ILL),
        ("hub hub, adapter hci0", Mark.ILL),
        ("hub hub, adapter hci1", Mark.WELL),
    ]
    assert (said[3].what, said[3].remedy) == ("/dev/x is not there", "plug the adapter in")


def test_receivers_that_speak_are_well_and_mute_ones_worry() -> None:
    found = _receivers(("home/OMG_1/LWT", b"online"))
    assert found["receiver r-1"].mark is Mark.WELL
    assert found["receiver r-2"].mark is Mark.WORRYING


def test_a_last_will_is_ill() -> None:
    assert _receivers(("home/OMG_1/LWT", b"offline"))["receiver r-1"].mark is Mark.ILL


def test_settings_under_which_tags_are_not_heard_are_told_with_the_fitting_ones() -> None:
    found = _receivers(
        ("home/OMG_1/BTtoMQTT", b'{"pubadvdata":false}'),
        ("espresense/rooms/pole_2/status", b"online"),
        ("espresense/rooms/pole_2/max_distance", b"16.00"),
    )
    assert found["receiver r-1"].mark is Mark.ILL
    assert "pubadvdata" in found["receiver r-1"].remedy
    assert found["receiver r-2"].what == "it passes on nobody whom it takes to be beyond 16 m"
    assert found["receiver r-2"].remedy == "set max_distance to 0"


def test_fitting_settings_are_well() -> None:
    found = _receivers(
        ("espresense/rooms/pole_2/max_distance", b"0.00"),
        ("espresense/rooms/pole_2/skip_ms", b"1000"),
    )
    assert found["receiver r-2"].mark is Mark.WELL
