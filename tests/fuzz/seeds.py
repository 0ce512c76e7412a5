"""Frames written by hand, as tags send them, for each target of `targets.py` to start from."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.tags.frames.bthome_objects import SIZES

UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
ORGANISATION = "ab" * 16
NAMESPACE = "11" * 10
ADDRESS = "54:48:E6:8F:80:A5"
BIND_KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
IDENTITY_KEY = bytes(range(16))
BEACON_TIME = 123_456

# What an edge is told to look at: some of every format.
ALLOW = (
    f"ibeacon:{UUID}",
    f"alt:{ORGANISATION}",
    f"uid:{NAMESPACE}",
    "eid",
    "bthome",
    f"bthome:{ADDRESS.lower()}",
)

IBEACON = bytes.fromhex("0215" + UUID.replace("-", "") + "00010002c5")
ALTBEACON = bytes.fromhex("beac" + ORGANISATION + "00010002c500")
UID = bytes.fromhex("00e7" + NAMESPACE + "22" * 6 + "0000")
URL = bytes.fromhex("10000367657470617265746f07")
TLM = bytes.fromhex("20000bb815000000004500000258")
ETLM = bytes.fromhex("20019c3a85134c2cd086d8fda09612344e2b")
EID = bytes.fromhex("30e7" + "33" * 8)
DOOR = bytes.fromhex("44 0009 0161 05138a14 2d01 3f020c")  # a door sensor of Shelly
BUTTON = bytes.fromhex("40 0007 3a01")
WORDS = bytes.fromhex("40 5305 68656c6c6f 5402 beef f100010204")
SEALED = bytes.fromhex("41e445f3c9962b332211006c7c4519")

ALL_OBJECTS = b"\x40" + b"".join(
    bytes([kind, 1, 0x41] if size is None else [kind, *range(1, size + 1)])
    for kind, size in sorted(SIZES.items())
)


def manufacturer(company: int, payload: bytes) -> bytes:
    """As a structure of advertising data."""
    return bytes([len(payload) + 3, 0xFF]) + company.to_bytes(2, "little") + payload


def service(uuid: int, payload: bytes) -> bytes:
    """As a structure of advertising data."""
    return bytes([len(payload) + 3, 0x16]) + uuid.to_bytes(2, "little") + payload


def sealed(information: bytes, objects: bytes) -> bytes:
    """Service data of BTHome, encrypted by the owner of the key."""
    counter = b"\x07\x00\x00\x00"
    nonce = bytes.fromhex(ADDRESS.replace(":", "")) + b"\xd2\xfc" + information + counter
    box = AESCCM(BIND_KEY, 4).encrypt(nonce, objects, None)
    return information + box[:-4] + counter + box[-4:]


FLAGS = bytes.fromhex("020106")
ADVERTS = (
    FLAGS + manufacturer(0x004C, IBEACON),
    FLAGS + manufacturer(0x0118, ALTBEACON),
    *(FLAGS + service(0xFEAA, frame) for frame in (UID, URL, TLM, ETLM, EID)),
    *(FLAGS + service(0xFCD2, frame) for frame in (DOOR, BUTTON, WORDS, SEALED)),
    manufacturer(0x004C, IBEACON) + service(0xFEAA, EID) + service(0xFCD2, SEALED),
    FLAGS + manufacturer(0x004C, bytes.fromhex("1005441cbd08c5")),
)

THEENGS = (
    b'{"id":"54:48:E6:8F:80:A5","rssi":-71,"servicedatauuid":"0xfeaa","servicedata":"30e7'
    + b"33" * 8
    + b'"}',
    b'{"id":"54:48:E6:8F:80:A5","rssi":-71.5,"mfid":"4c00","uuid":"fda50693a4e24fb1afcfc6eb07647825'
    b'","major":1,"minor":2,"txpower":-59}',
    b'{"id":"5448E68F80A5","mac":"54:48:E6:8F:80:A5","rssi":-60,"manufacturerdata":"4c000215"}',
    b'{"uptime":120,"freeheap":90000,"adaptivescan":false,"intervalcnct":3600000,"interval":100}',
    b"online",
    b"offline",
)
ESPRESENSE = (
    b'{"mac":"5448e68f80a5","id":"iBeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825-1-2","rssi":-72.35}',
    b'{"mac":"5448e68f80a5","id":"eddy:11111111111111111111-222222222222","rssi":-72}',
    b'{"mac":"5448e68f80a5","id":"altBeacon:abababab-abab-abab-abab-abababababab-1-2","rssi":-7}',
    b'{"ip":"10.0.0.7","uptime":120,"firm":"esp32","rssi":-60,"adverts":100,"seen":20}',
    b"online",
    b"offline",
)

BTHOME = (DOOR, BUTTON, WORDS, SEALED, ALL_OBJECTS)
SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "ibeacon": (IBEACON,),
    "altbeacon": (ALTBEACON,),
    "eddystone": (UID, URL, TLM, ETLM, EID),
    "bthome": BTHOME,
    "opened": (DOOR[1:], BUTTON[1:], WORDS[1:], ALL_OBJECTS[1:]),
    "sealed": BTHOME,
    "etlm": (ETLM,),
    "ad": ADVERTS,
    "gate": ADVERTS,
    "uuid": (b"feaa", b"0xFEAA", b"0000feaa-0000-1000-8000-00805f9b34fb"),
    "remote": tuple(
        bytes([topic]) + message for topic in range(8) for message in (*THEENGS, *ESPRESENSE)
    ),
}
