import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.link.envelope import (
    LONGEST_PAYLOAD,
    Envelope,
    Item,
    Kind,
    Receipt,
    Status,
    decode_envelope,
    decode_items,
    decode_receipt,
    decode_status,
    encode,
    encode_items,
    span,
)
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    EdgeOrders,
    Gap,
    Lane,
    Position,
    Presence,
    Press,
    Reading,
    ReceiverSource,
    Rejected,
    Window,
)

WINDOW = Window(
    second=1_770_000_000, alive=("r1", "r2"), readings=(Reading("r1", "i", -71.5, -70, 3),)
)
GAP = Gap(since=10.0, until=20.0, reason="outbox_full", from_seq=5, to_seq=9)
POSITION = Position(
    at=1.0,
    tag="t",
    lon=140.9,
    lat=37.05,
    radius68_m=2.0,
    radius95_m=5.0,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(("school", 0.9),),
)
ALERT = Alert(
    id="a", kind=AlertKind.SOS, state=AlertState.RAISED, at=1.0, raised_at=2.0, tag="t", zone="z"
)
ORDERS = EdgeOrders(receivers=(ReceiverSource("r1", "espresense", "room"),), buttons=("i",))


def envelope(kind: str, items: bytes, *, seq: int = 12, first: int = 5) -> Envelope:
    return Envelope(
        sender="gw-07",
        epoch="e1",
        lane=Lane.LIVE,
        seq=seq,
        first=first,
        sent=1763.5,
        kind=kind,
        items=msgspec.Raw(items),
    )


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (Kind.SIGHTINGS, WINDOW),
        (Kind.PRESS, Press(at=1.0, receiver="r1", identifier="i", rssi_dbm=-70, synced=False)),
        (Kind.GAP, GAP),
        (Kind.ORDERS, ORDERS),
        (Kind.POSITIONS, POSITION),
        (Kind.ALERTS, ALERT),
    ],
)
def test_each_kind_comes_back_as_what_was_sent(kind: Kind, item: Item) -> None:
    received = decode_envelope(encode(envelope(kind, encode_items([item, item]))))
    assert isinstance(received, Envelope)
    assert decode_items(received) == [item, item]


def test_the_wire_has_the_agreed_keys() -> None:
    sent = json.loads(encode(envelope(Kind.SIGHTINGS, encode_items([WINDOW]))))
    assert sent == {
        "v": 1,
        "from": "gw-07",
        "epoch": "e1",
        "lane": "live",
        "seq": 12,
        "first": 5,
        "sent": 1763.5,
        "kind": "sightings",
        "items": [
            {
                "second": 1_770_000_000,
                "alive": ["r1", "r2"],
                "readings": [["r1", "i", -71.5, -70, 3]],
                "synced": True,
            }
        ],
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 2}, "version"),
        ({"first": 13}, "first_above_seq"),
        ({"seq": 0}, "malformed"),
        ({"seq": 10**30}, "malformed"),
        ({"lane": "fast"}, "malformed"),
        ({"from": ""}, "malformed"),
        ({"epoch": None}, "malformed"),
    ],
)
def test_a_wrong_field_is_rejected_with_its_reason(change: dict[str, object], reason: str) -> None:
    document = json.loads(encode(envelope(Kind.SIGHTINGS, b"[]"))) | change
    assert decode_envelope(json.dumps(document).encode()) == Rejected(reason)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"items":' + b"[" * 9999]
)
def test_what_is_no_json_is_rejected(payload: bytes) -> None:
    assert decode_envelope(payload) == Rejected("malformed")
    assert decode_receipt(payload) == Rejected("malformed")
    assert decode_status(payload) == Rejected("malformed")


def test_a_payload_beyond_the_limit_is_not_even_read() -> None:
    assert decode_envelope(b" " * (LONGEST_PAYLOAD + 1)) == Rejected("too_long")


@given(st.binary(max_size=300))
def test_no_bytes_raise(payload: bytes) -> None:
    for decode in (decode_envelope, decode_receipt, decode_status):
        assert decode(payload) is not None


def test_items_that_are_not_of_their_kind_are_rejected() -> None:
    assert decode_items(envelope(Kind.GAP, b'[{"since":"x"}]')) == Rejected("malformed_items")
    assert decode_items(envelope("lamps", b"[]")) == Rejected("unknown_kind")


def test_a_gap_row_stands_for_the_rows_that_it_replaces() -> None:
    assert span(envelope(Kind.GAP, encode_items([GAP]), seq=9)) == range(5, 10)


def test_any_other_row_stands_for_itself() -> None:
    restart = Gap(since=1.0, until=2.0, reason="restart")
    assert span(envelope(Kind.GAP, encode_items([restart]))) == range(12, 13)
    assert span(envelope("of the future", b"[]")) == range(12, 13)


@pytest.mark.parametrize("items", [b"[]", encode_items([GAP]), encode_items([GAP, GAP])])
def test_a_gap_row_that_contradicts_its_seq_is_rejected(items: bytes) -> None:
    assert span(envelope(Kind.GAP, items, seq=12)) == Rejected("malformed_gap")


def test_receipts_and_status_come_back() -> None:
    receipt = Receipt(epoch="e1", lane=Lane.URGENT, mark=0)
    status = Status(online=True, instance="ab", silent_s={"hci0": 0.5}, counts={"received": 2})
    assert decode_receipt(encode(receipt)) == receipt
    assert decode_status(encode(status)) == status
    assert decode_status(b'{"online":false}') == Status(online=False)
