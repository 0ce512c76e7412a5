"""What takes bytes from the air, each as a function of any bytes, and what holds of its result.

A target raises for a bug, and for nothing else.
"""

from collections.abc import Callable, Mapping
from math import isfinite

from gateway.model import Advert, ReceiverSource, Rejected
from gateway.tags.frames import Frame, ad, altbeacon, bthome, eddystone, ibeacon
from gateway.tags.gate import Gate
from gateway.tags.remote import RemoteReceivers
from gateway.tags.reported import Heard
from tests.fuzz.seeds import ADDRESS, ALLOW, BEACON_TIME, BIND_KEY, IDENTITY_KEY, sealed

REASONS = {
    "not_ours",
    "too_short",
    "bad_length",
    "bad_version",
    "bad_url",
    "bad_address",
    "not_sealed",
    "wrong_key",
}
LONGEST_IDENTIFIER = len("ibeacon:00000000-0000-0000-0000-000000000000:65535:65535")
LONGEST_TOLD = 5_000  # signs, of a frame of 255 bytes
_gate = Gate(ALLOW)


def sound(frame: Frame | Rejected) -> None:
    """What holds of any frame, whoever sent it."""
    if isinstance(frame, Rejected):
        assert frame.reason in REASONS, frame
        return
    assert len(frame.identifier) <= LONGEST_IDENTIFIER, frame
    assert frame.tx_power_dbm is None or -128 <= frame.tx_power_dbm <= 127, frame
    assert all(isfinite(value) for value in frame.values.values()), frame
    assert len(repr(frame)) <= LONGEST_TOLD, frame


def read_ibeacon(data: bytes) -> None:
    """Manufacturer data."""
    sound(ibeacon.decode(data))


def read_altbeacon(data: bytes) -> None:
    """Manufacturer data."""
    sound(altbeacon.decode(data))


def read_eddystone(data: bytes) -> None:
    """Service data."""
    frame = eddystone.decode(data)
    sound(frame)
    if isinstance(frame, eddystone.EncryptedTlm):
        assert frame.payload == data, frame


def read_bthome(data: bytes) -> None:
    """Service data."""
    frame = bthome.decode(data, ADDRESS)
    sound(frame)
    if isinstance(frame, bthome.Bthome):
        told = len(frame.values) + len(frame.buttons) + len(frame.dimmers) + len(frame.words)
        assert told <= bthome.MAX_OBJECTS, frame


def open_bthome(data: bytes) -> None:
    """Service data that a stranger encrypted, or nobody did."""
    frame = bthome.open_sealed(data, key=BIND_KEY, address=ADDRESS)
    sound(frame)
    opens = bthome.trial(data, ADDRESS, [IDENTITY_KEY, BIND_KEY]) == 1
    assert opens == isinstance(frame, bthome.Bthome), frame


def open_own_bthome(data: bytes) -> None:
    """Any objects that the owner of the key encrypted: they read as if they were plain."""
    frame = bthome.open_sealed(sealed(b"\x41", data), key=BIND_KEY, address=ADDRESS)
    sound(frame)
    if len(data) >= 2:
        assert frame == bthome.decode(b"\x40" + data, ADDRESS), frame


def open_telemetry(data: bytes) -> None:
    """Service data."""
    etlm = eddystone.decode(data)
    if isinstance(etlm, eddystone.EncryptedTlm):
        sound(
            eddystone.open_etlm(
                etlm, identity_key=IDENTITY_KEY, exponent=10, beacon_time=BEACON_TIME
            )
        )


def split_advert(data: bytes) -> None:
    """Advertising data."""
    found = ad.parse(data)
    kept = [*found.manufacturer.values(), *found.services.values()]
    assert sum(map(len, kept)) <= len(data), found
    assert len(kept) <= ad.MAX_STRUCTURES, found
    assert all(ad.short_uuid(uuid) == uuid for uuid in found.services), found


def read_uuid(data: bytes) -> None:
    """Text that should be a UUID."""
    short = ad.short_uuid(data.decode("latin-1"))
    assert short is None or (len(short) == 4 and int(short, 16) >= 0), short


def pass_gate(data: bytes) -> None:
    """Advertising data, from an address that is followed and from another."""
    found = ad.parse(data)
    for address in (ADDRESS, "", "a random device"):
        _gate.counts.clear()
        frames = _gate.read(
            Advert(0.0, "pole-01", address, -70, found.manufacturer, found.services)
        )
        assert len(frames) <= len(found.manufacturer) + len(found.services), frames
        assert _gate.counts.total() == (not frames), _gate.counts
        assert _gate.counts.keys() <= REASONS, _gate.counts
        for frame in frames:
            sound(frame)


TOPICS = (
    "home/OMG_12/BTtoMQTT/5448E68F80A5",
    "home/OMG_12/BTtoMQTT",
    "home/OMG_12/SYStoMQTT",
    "home/OMG_12/LWT",
    "espresense/devices/5448e68f80a5/pole_13",
    "espresense/rooms/pole_13/telemetry",
    "espresense/rooms/pole_13/status",
)
SOURCES = (
    ReceiverSource("pole-12", "openmqttgateway", "home/OMG_12"),
    ReceiverSource("pole-13", "espresense", "Pole 13"),
)
RECEIVERS = {source.receiver for source in SOURCES}
_remote = RemoteReceivers(SOURCES)


def read_message(data: bytes) -> None:
    """A message of a remote receiver, behind a byte that chooses its topic."""
    if not data:
        return
    topic = TOPICS[data[0] % len(TOPICS)]
    report = _remote.parse(topic, data[1:], 5.0, retained=data[0] >= 0x80)
    if isinstance(report, Rejected):
        assert len(report.reason) < 20, report
        return
    if isinstance(report, Heard):
        assert all(isfinite(value) for value in report.values.values()), report
        assert len(repr(report.values)) <= LONGEST_TOLD, report
        for frame in _gate.read(report.advert):
            sound(frame)
        report = report.advert
    assert report.receiver in RECEIVERS, report


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "ibeacon": read_ibeacon,
    "altbeacon": read_altbeacon,
    "eddystone": read_eddystone,
    "bthome": read_bthome,
    "opened": open_own_bthome,
    "sealed": open_bthome,
    "etlm": open_telemetry,
    "ad": split_advert,
    "uuid": read_uuid,
    "gate": pass_gate,
    "remote": read_message,
}
