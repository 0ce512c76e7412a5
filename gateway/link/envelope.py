"""What travels on the link: envelopes, receipts and status documents, as JSON.

Everything here may come from outside, so decoding returns `Rejected` and never raises. The items of
an envelope stay undecoded (`msgspec.Raw`) until somebody needs them: a receiver first looks whether
the row is the next one at all.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from gateway.epochs import Before, CaptureClock
from gateway.lamps import LampEvent, LampReading, Outcome
from gateway.lights.orders import LightOrders, Overrides
from gateway.link.packing import ZLIB_1, unpack
from gateway.model import (
    AdapterStatus,
    Alert,
    EdgeOrders,
    Gap,
    GatewayHealth,
    Lane,
    Position,
    Press,
    ReceiverEvent,
    ReceiverHealth,
    Rejected,
    Sealed,
    TagState,
    Window,
)

VERSION = 1
LONGEST_PAYLOAD = 4_000_000  # bytes; a second of 300 tags at 4 receivers is about 0.1 MB

T = TypeVar("T")
Item = (
    Window
    | Press
    | Sealed
    | TagState
    | ReceiverEvent
    | Gap
    | EdgeOrders
    | Position
    | Alert
    | LightOrders
    | Overrides
    | LampReading
    | LampEvent
    | Outcome
    | GatewayHealth
    | ReceiverHealth
)

_NO_ITEMS = msgspec.Raw(b"[]")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Mark = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Stream(NamedTuple):
    """One sender's lane in one epoch: within it, seqs are contiguous."""

    sender: str
    epoch: str
    lane: Lane


class Kind(StrEnum):
    """What the items of a row are."""

    SIGHTINGS = "sightings"
    PRESS = "press"
    SEALED = "sealed"
    TAG_STATES = "tag_states"
    RECEIVER_EVENTS = "receiver_events"
    GAP = "gap"
    ORDERS = "orders"
    POSITIONS = "positions"
    ALERTS = "alerts"
    LIGHT_ORDERS = "light_orders"
    OVERRIDES = "overrides"
    LAMP_READINGS = "lamp_readings"
    LAMP_EVENTS = "lamp_events"
    OUTCOMES = "outcomes"
    GATEWAYS = "gateways"
    RECEIVERS = "receivers"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One outbox row on its way.

    `seq` counts the rows of (epoch, lane) from 1, and `first` is the lowest that the sender still
    holds: everything below was receipted. `sent` is the sender's UTC at sending. `kind` may be
    unknown here (a newer sender).

    `run` is the epoch in which the sending process writes, "" where it is this row's own: by it two
    senders of one id are told from one that was started again. `fresh`: the sender's store began
    with this epoch. `after`: the epoch of the lane's rows before, and how many they were; None
    where there were none. `held`: the sender still holds some of them, so they come first.

    `shift_s` is to be added to the items' times to have them in the clock of `sent` (or, where
    `clock` is "past", in that of an earlier boot when it was known best).

    `pack`: the items come behind the document and a line break, in that format of `packing`.
    """

    v: int = msgspec.field(default_factory=lambda: VERSION)  # so that it is always on the wire
    sender: _Name = msgspec.field(name="from")
    epoch: _Name
    lane: Lane
    seq: _Seq
    first: _Seq
    sent: float
    kind: str
    run: str = ""
    fresh: bool = False
    after: Before | None = None
    held: bool = False
    shift_s: float = 0.0
    clock: CaptureClock = CaptureClock.NOW
    pack: int = 0
    items: msgspec.Raw = _NO_ITEMS


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receiver's word: every row of (epoch, lane) up to `mark` is committed."""

    epoch: _Name
    lane: Lane
    mark: _Mark


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The retained word of an edge or a hub about itself; its last will is `Status(online=False)`.

    `instance` is new with each process: a change tells a restart that was too quick to be seen as
    offline. `outbox_oldest_s` is the age of the oldest row that waits; `silent_s` maps each
    adapter, receiver or bus to the seconds since it was last heard; `problems` says of a bus that
    is down why, and what to do; `adapters` are the gateway's own, by name, and `adverts_per_s` what
    each receiver hears, of anybody; `counts` are since the start. `unpacks`: rows may come packed.
    """

    online: bool
    instance: str = ""
    version: str = ""
    at: float = 0.0
    synced: bool = True
    unpacks: bool = False
    outbox_rows: int = 0
    outbox_oldest_s: float = 0.0
    silent_s: dict[str, float] = {}
    problems: dict[str, str] = {}
    adapters: dict[str, AdapterStatus] = {}
    adverts_per_s: dict[str, float] = {}
    counts: dict[str, int] = {}


_UNREADABLE = msgspec.Raw(b"null")
_ENVELOPE = msgspec.json.Decoder(Envelope)
_RECEIPT = msgspec.json.Decoder(Receipt)
_STATUS = msgspec.json.Decoder(Status)
_ITEMS: dict[str, msgspec.json.Decoder[Any]] = {
    Kind.SIGHTINGS: msgspec.json.Decoder(list[Window]),
    Kind.PRESS: msgspec.json.Decoder(list[Press]),
    Kind.SEALED: msgspec.json.Decoder(list[Sealed]),
    Kind.TAG_STATES: msgspec.json.Decoder(list[TagState]),
    Kind.RECEIVER_EVENTS: msgspec.json.Decoder(list[ReceiverEvent]),
    Kind.GAP: msgspec.json.Decoder(list[Gap]),
    Kind.ORDERS: msgspec.json.Decoder(list[EdgeOrders]),
    Kind.POSITIONS: msgspec.json.Decoder(list[Position]),
    Kind.ALERTS: msgspec.json.Decoder(list[Alert]),
    Kind.LIGHT_ORDERS: msgspec.json.Decoder(list[LightOrders]),
    Kind.OVERRIDES: msgspec.json.Decoder(list[Overrides]),
    Kind.LAMP_READINGS: msgspec.json.Decoder(list[LampReading]),
    Kind.LAMP_EVENTS: msgspec.json.Decoder(list[LampEvent]),
    Kind.OUTCOMES: msgspec.json.Decoder(list[Outcome]),
    Kind.GATEWAYS: msgspec.json.Decoder(list[GatewayHealth]),
    Kind.RECEIVERS: msgspec.json.Decoder(list[ReceiverHealth]),
}


def encode(document: Envelope | Receipt | Status) -> bytes:
    """`document` as it goes on the wire."""
    return msgspec.json.encode(document)


def encode_packed(envelope: Envelope, packed: bytes) -> bytes:
    """An envelope without items, and behind it its items as `packing.pack` made them."""
    header = msgspec.structs.replace(envelope, pack=ZLIB_1, items=_NO_ITEMS)
    return msgspec.json.encode(header) + b"\n" + packed


def encode_items(items: Sequence[Item]) -> bytes:
    """The items of one row: what an outbox stores and an envelope carries."""
    return msgspec.json.encode(items)


def decode_envelope(payload: bytes) -> Envelope | Rejected:
    """With its items unpacked; those that cannot be are none that `decode_items` takes.

    Reasons: too_long, malformed, version, first_above_seq, unknown_pack.
    """
    header, _, packed = payload.partition(b"\n")
    envelope = _decode(_ENVELOPE, header)
    if isinstance(envelope, Rejected):
        return envelope
    if envelope.pack not in (0, ZLIB_1):
        return Rejected("unknown_pack")
    if envelope.pack:
        items = unpack(packed, longest=LONGEST_PAYLOAD)
        raw = _UNREADABLE if isinstance(items, Rejected) else msgspec.Raw(items)
        envelope = msgspec.structs.replace(envelope, pack=0, items=raw)
    if envelope.v != VERSION:
        return Rejected("version")
    if envelope.first > envelope.seq:
        return Rejected("first_above_seq")
    return envelope


def decode_items(envelope: Envelope) -> list[Item] | Rejected:
    """The items by the envelope's kind. Reasons: unknown_kind, malformed_items."""
    decoder = _ITEMS.get(envelope.kind)
    if decoder is None:
        return Rejected("unknown_kind")
    items: list[Item] | Rejected = _decode(decoder, bytes(envelope.items))
    return Rejected("malformed_items") if isinstance(items, Rejected) else items


def decode_receipt(payload: bytes) -> Receipt | Rejected:
    """Reasons: too_long, malformed."""
    return _decode(_RECEIPT, payload)


def decode_status(payload: bytes) -> Status | Rejected:
    """Reasons: too_long, malformed."""
    return _decode(_STATUS, payload)


def span(envelope: Envelope) -> range | Rejected:
    """The seqs for which this row stands: its own, or those of the rows that a gap replaces.

    A gap row's seq is the last one that it replaces. Reason: malformed_gap.
    """
    own = range(envelope.seq, envelope.seq + 1)
    if envelope.kind != Kind.GAP:
        return own
    gaps = decode_items(envelope)
    if isinstance(gaps, Rejected) or len(gaps) != 1 or not isinstance(gaps[0], Gap):
        return Rejected("malformed_gap")
    gap = gaps[0]
    if gap.to_seq == 0:
        return own
    if gap.to_seq != envelope.seq or not 1 <= gap.from_seq <= gap.to_seq:
        return Rejected("malformed_gap")
    return range(gap.from_seq, gap.to_seq + 1)


def _decode(decoder: msgspec.json.Decoder[T], payload: bytes) -> T | Rejected:
    if len(payload) > LONGEST_PAYLOAD:
        return Rejected("too_long")
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Rejected("malformed")
