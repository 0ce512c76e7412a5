"""AES in EAX mode, which `cryptography` lacks; only its opening half.

Source: Bellare, Rogaway and Wagner, "The EAX Mode of Operation" (FSE 2004), figure 2. A shorter
tag is the beginning of the whole one.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.constant_time import bytes_eq

_NONCE, _HEADER, _CIPHERTEXT = range(3)


def opened(
    ciphertext: bytes, tag: bytes, *, key: bytes, nonce: bytes, header: bytes = b""
) -> bytes | None:
    """The plain text; None where `tag`, 1 to 16 bytes, says that it is not the sender's."""
    nonce_mac = _omac(key, _NONCE, nonce)
    macs = (nonce_mac, _omac(key, _HEADER, header), _omac(key, _CIPHERTEXT, ciphertext))
    whole_tag = bytes(n ^ h ^ c for n, h, c in zip(*macs, strict=True))
    if not tag or not bytes_eq(whole_tag[: len(tag)], tag):
        return None
    return Cipher(AES(key), modes.CTR(nonce_mac)).decryptor().update(ciphertext)


def _omac(key: bytes, tweak: int, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(tweak.to_bytes(16, "big") + message)
    return mac.finalize()
