"""The simulator's ciphers against vectors that others published."""

import json

import pytest
from firmware_sim.firmware_crypto import eax, ephemeral_id, seal_bthome

# Bellare, Rogaway, Wagner: "The EAX Mode of Operation", appendix G: key, nonce, header, message,
# and the message's cipher with its tag.
EAX = (
    (
        "233952dee4d5ed5f9b9c6d6ff80ff478",
        "62ec67f9c3a4a407fcb2a8c49031a8b3",
        "6bfb914fd07eae6b",
        "",
        "e037830e8389f27b025a2d6527e79d01",
    ),
    (
        "91945d3f4dcbee0bf45ef52255f095a4",
        "becaf043b0a23d843194ba972c66debd",
        "fa3bfd4806eb53fa",
        "f7fb",
        "19dd5c4c9331049d0bdab0277408f67967e5",
    ),
    (
        "01f74ad64077f2e704c0f60ada3dd523",
        "70c3db4f0d26368400a10ed05d2bff5e",
        "234a3463c1264ac6",
        "1a47cb4933",
        "d851d5bae03a59f238a23e39199dc9266626c40f80",
    ),
)


def test_every_shared_vector_gives_its_ephemeral_id(shared):
    vectors = json.loads((shared / "data" / "eid" / "vectors.json").read_text(encoding="utf-8"))[
        "eid"
    ]

    assert len(vectors) > 10
    for vector in vectors:
        found = ephemeral_id(
            bytes.fromhex(vector["identity_key"]),
            exponent=vector["rotation_exponent"],
            beacon_time=vector["beacon_time"],
        )
        assert found.hex() == vector["eid"], vector["name"]


@pytest.mark.parametrize(("key", "nonce", "header", "message", "sealed"), EAX)
def test_eax_seals_as_its_authors_say(key, nonce, header, message, sealed):
    key, nonce, header, message = map(bytes.fromhex, (key, nonce, header, message))

    assert eax(key, nonce, message, header=header).hex() == sealed
    short = eax(key, nonce, message, header=header, tag_bytes=2)
    assert short.hex() == sealed[: 2 * len(message) + 4]


def test_bthome_seals_the_example_of_its_specification():
    service = seal_bthome(
        bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932"),
        address="54:48:E6:8F:80:A5",
        device_info=0x41,
        counter=int.from_bytes(bytes.fromhex("00112233"), "little"),
        objects=bytes.fromhex("02ca0903bf13"),
    )

    assert service.hex() == "41a47266c95f730011223378237214"
