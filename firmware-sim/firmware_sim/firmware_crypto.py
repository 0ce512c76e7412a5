"""The ciphers of a native tag, from their published specifications; nothing of the gateway's.

Eddystone-EID: eddystone-eid/eid-computation.md. AES-EAX: Bellare, Rogaway and Wagner, "The EAX Mode
of Operation". BTHome v2: bthome.io/encryption.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
KEY_SALT = 0xFF
BTHOME_UUID = bytes.fromhex("d2fc")  # as on the air, low byte first
BTHOME_MIC_BYTES = 4


def ephemeral_id(identity_key: bytes, *, exponent: int, beacon_time: int) -> bytes:
    """The eight bytes that a beacon of `identity_key` (16 bytes) sends at `beacon_time` seconds."""
    high = (beacon_time >> 16 & 0xFFFF).to_bytes(2, "big")
    temporary_key = _aes(identity_key, bytes(11) + bytes([KEY_SALT]) + bytes(2) + high)
    quantum = (beacon_time >> exponent << exponent & 0xFFFF_FFFF).to_bytes(4, "big")
    return _aes(temporary_key, bytes(11) + bytes([exponent]) + quantum)[:8]


def eax(
    key: bytes, nonce: bytes, plain: bytes, *, header: bytes = b"", tag_bytes: int = BLOCK
) -> bytes:
    """`plain` encrypted, and behind it the first `tag_bytes` of its tag."""
    nonce_mac, header_mac = _omac(key, 0, nonce), _omac(key, 1, header)
    encryptor = Cipher(AES(key), CTR(nonce_mac)).encryptor()
    sealed = encryptor.update(plain) + encryptor.finalize()
    macs = zip(nonce_mac, header_mac, _omac(key, 2, sealed), strict=True)
    return sealed + bytes(a ^ b ^ c for a, b, c in macs)[:tag_bytes]


def seal_bthome(
    key: bytes, *, address: str, device_info: int, counter: int, objects: bytes
) -> bytes:
    """The service data of UUID 0xFCD2: `objects` encrypted for `address` (six bytes, colons)."""
    count = counter.to_bytes(4, "little")
    head = bytes([device_info])
    nonce = bytes.fromhex(address.replace(":", "")) + BTHOME_UUID + head + count
    sealed = AESCCM(key, tag_length=BTHOME_MIC_BYTES).encrypt(nonce, objects, None)
    cipher, mic = sealed[:-BTHOME_MIC_BYTES], sealed[-BTHOME_MIC_BYTES:]
    return head + cipher + count + mic


def _aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - one block, as specified
    return encryptor.update(block) + encryptor.finalize()


def _omac(key: bytes, number: int, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(bytes(BLOCK - 1) + bytes([number]) + message)
    return mac.finalize()
