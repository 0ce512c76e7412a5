import pytest

from gateway.tags.frames.eax import opened

# Key, nonce, header, plain text, ciphertext and tag: the cases of the paper's appendix, and one
# without a header and with a shorter tag, of Bouncy Castle's tests.
PUBLISHED = [
    (
        "233952dee4d5ed5f9b9c6d6ff80ff478",
        "62ec67f9c3a4a407fcb2a8c49031a8b3",
        "6bfb914fd07eae6b",
        "",
        "",
        "e037830e8389f27b025a2d6527e79d01",
    ),
    (
        "91945d3f4dcbee0bf45ef52255f095a4",
        "becaf043b0a23d843194ba972c66debd",
        "fa3bfd4806eb53fa",
        "f7fb",
        "19dd",
        "5c4c9331049d0bdab0277408f67967e5",
    ),
    (
        "01f74ad64077f2e704c0f60ada3dd523",
        "70c3db4f0d26368400a10ed05d2bff5e",
        "234a3463c1264ac6",
        "1a47cb4933",
        "d851d5bae0",
        "3a59f238a23e39199dc9266626c40f80",
    ),
    (
        "7c77d6e813bed5ac98baa417477a2e7d",
        "1a8c98dcd73d38393b2bf1569deefc19",
        "65d2017990d62528",
        "8b0a79306c9ce7ed99dae4f87f8dd61636",
        "02083e3979da014812f59f11d52630da30",
        "137327d10649b0aa6e1c181db617d7f2",
    ),
    (
        "233952dee4d5ed5f9b9c6d6ff80ff478",
        "62ec67f9c3a4a407fcb2a8c49031a8b3",
        "",
        "68656c6c6f20776f726c642121",
        "2f9f76cb7659c70e4be11670a3",
        "e193ae1bc6b5762a",
    ),
]


@pytest.mark.parametrize(("key", "nonce", "header", "plain", "ciphertext", "tag"), PUBLISHED)
def test_the_published_cases_open(
    key: str, nonce: str, header: str, plain: str, ciphertext: str, tag: str
) -> None:
    found = opened(
        bytes.fromhex(ciphertext),
        bytes.fromhex(tag),
        key=bytes.fromhex(key),
        nonce=bytes.fromhex(nonce),
        header=bytes.fromhex(header),
    )
    assert found == bytes.fromhex(plain)


@pytest.mark.parametrize("part", ["key", "nonce", "header", "ciphertext", "tag"])
def test_one_bit_elsewhere_does_not_open(part: str) -> None:
    names = ("key", "nonce", "header", "plain", "ciphertext", "tag")
    case = {
        name: bytearray.fromhex(digits) for name, digits in zip(names, PUBLISHED[2], strict=True)
    }
    del case["plain"]
    case[part][-1] ^= 1
    given = {name: bytes(value) for name, value in case.items()}
    assert opened(given.pop("ciphertext"), given.pop("tag"), **given) is None


def test_no_tag_opens_nothing() -> None:
    assert opened(b"ab", b"", key=bytes(16), nonce=b"") is None
