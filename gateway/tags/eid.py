"""Eddystone-EID: the identifier that a tag sends in each slot of its clock, from its identity key.

Source: the page eddystone-eid/eid-computation of github.com/google/eddystone. A tag counts seconds
(`beacon_time`, 32 bits). Its identifier changes every 2**exponent of them: a slot, named by its
first second. Each 65,536 s the identity key gives a temporary key, which enciphers the slots.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

KEY_BYTES = 16
EID_BYTES = 8
LARGEST_EXPONENT = 15
LAST_TIME = 2**32 - 1  # of a tag's clock

_EPOCH_BITS = 16  # what a temporary key is good for
_BLOCK_BYTES = 16
_TEMPORARY_SALT = 0xFF
_ECB = modes.ECB()  # noqa: S305 -- the specification's: single blocks that never repeat


def temporary_key(identity_key: bytes, beacon_time: int) -> bytes:
    """The key of the 65,536 s that hold `beacon_time`: 16 bytes."""
    block = bytes(11) + bytes((_TEMPORARY_SALT, 0, 0)) + (beacon_time >> 16).to_bytes(2, "big")
    return _enciphered(identity_key, block)


def slot_start(beacon_time: int, *, exponent: int) -> int:
    """The first second of the slot that holds `beacon_time`."""
    return beacon_time >> exponent << exponent


def eid(identity_key: bytes, *, exponent: int, beacon_time: int) -> bytes:
    """The 8 bytes that a tag sends while its clock shows `beacon_time`."""
    start = slot_start(beacon_time, exponent=exponent)
    block = bytes(11) + bytes((exponent,)) + start.to_bytes(4, "big")
    return _enciphered(temporary_key(identity_key, beacon_time), block)[:EID_BYTES]


def eids(
    identity_keys: Sequence[bytes], first_slots: NDArray[np.int64], *, exponent: int, count: int
) -> NDArray[np.uint64]:
    """What many tags send in `count` slots each: (tags, count), the 8 bytes as one number.

    `first_slots` are numbers of slots (start >> exponent), at least 0, one for each key. A tag's
    slots under one temporary key are enciphered by one call.
    """
    slots = first_slots[:, np.newaxis] + np.arange(count)
    blocks = np.zeros((len(identity_keys), count, _BLOCK_BYTES // 4), dtype=">u4")
    blocks[:, :, 2] = exponent
    blocks[:, :, 3] = (slots << exponent) & LAST_TIME
    pieces: list[bytes] = []
    for key, first, row in zip(identity_keys, first_slots.tolist(), blocks, strict=True):
        plain = row.tobytes()
        for begin, end in _epochs(first, count, exponent):
            key_now = temporary_key(key, ((first + begin) << exponent) & LAST_TIME)
            pieces.append(_enciphered(key_now, plain[begin * _BLOCK_BYTES : end * _BLOCK_BYTES]))
    halves = np.frombuffer(b"".join(pieces), dtype=">u8").reshape(len(identity_keys), count, 2)
    return halves[:, :, 0].astype(np.uint64)


def identity_key_from_shared(
    shared_secret: bytes, *, resolver_public: bytes, beacon_public: bytes
) -> bytes:
    """The identity key that a tag and its resolver agreed upon by X25519: 16 bytes.

    It is the beginning of HKDF-SHA256 of the shared secret, salted with both public keys.
    """
    derivation = HKDF(SHA256(), KEY_BYTES, salt=resolver_public + beacon_public, info=b"")
    return derivation.derive(shared_secret)


def agreed_identity_key(resolver_private: bytes, *, beacon_public: bytes) -> bytes:
    """What the resolver makes of its own private key and a tag's public key, 32 bytes each."""
    private = X25519PrivateKey.from_private_bytes(resolver_private)
    return identity_key_from_shared(
        private.exchange(X25519PublicKey.from_public_bytes(beacon_public)),
        resolver_public=private.public_key().public_bytes_raw(),
        beacon_public=beacon_public,
    )


def _epochs(first: int, count: int, exponent: int) -> Iterator[tuple[int, int]]:
    """`count` slots from `first`, cut where the temporary key changes: (begin, end) of each."""
    slots_an_epoch = 1 << (_EPOCH_BITS - exponent)
    begin = 0
    while begin < count:
        end = min(count, begin + slots_an_epoch - (first + begin) % slots_an_epoch)
        yield begin, end
        begin = end


def _enciphered(key: bytes, blocks: bytes) -> bytes:
    return Cipher(algorithms.AES(key), _ECB).encryptor().update(blocks)
