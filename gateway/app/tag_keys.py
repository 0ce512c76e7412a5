"""The keys of a tag: as a technician has them in a file, as the hub uses them, as it keeps them."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from gateway.model import UnusableError
from gateway.sealing import SealingKey
from gateway.store.tag_keys import SealedKeys

KEY_SIZE = 16
LONGEST_FILE = 10_000
EXAMPLE = (
    '{"identity_key": "32 hex digits", "rotation_exponent": 10, "zero_at": 1795000000.0, '
    '"bind_key": "32 hex digits"}, rotation_exponent 8 to 15.'
)


class TagKeysError(UnusableError):
    """A tag's keys cannot be used; the message says why, and shows none of them."""


@dataclass(frozen=True, slots=True)
class TagKeys:
    """Either key may be b"", which is none.

    The Eddystone identity rotates every 2^`rotation_exponent` seconds of the tag's clock, which
    stood at 0 at `zero_at` (UTC); BTHome frames are sealed with `bind_key`.
    """

    identity_key: bytes = field(default=b"", repr=False)
    rotation_exponent: int = 0
    zero_at: float = 0.0
    bind_key: bytes = field(default=b"", repr=False)


_Key = Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{32}$")]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    identity_key: _Key | None = None
    rotation_exponent: Annotated[int, msgspec.Meta(ge=8, le=15)] | None = None
    zero_at: Annotated[float, msgspec.Meta(ge=0, le=2**40)] | None = None
    bind_key: _Key | None = None


_file_from = msgspec.json.Decoder(_File)


def read_tag_keys(text: bytes) -> TagKeys:
    """The keys of a technician's file. Raises TagKeysError."""
    try:
        given = _file_from.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not from it: what a decoder says of a text may show the text.
        raise TagKeysError(f"These are no keys of a tag. They are written so: {EXAMPLE}") from None
    identity = (given.identity_key, given.rotation_exponent, given.zero_at)
    if given.identity_key is None or given.rotation_exponent is None or given.zero_at is None:
        if any(part is not None for part in identity):
            raise TagKeysError("identity_key, rotation_exponent and zero_at belong together.")
        if given.bind_key is None:
            raise TagKeysError(f"There is no key in it. Keys are written so: {EXAMPLE}")
        return TagKeys(bind_key=bytes.fromhex(given.bind_key))
    return TagKeys(
        identity_key=bytes.fromhex(given.identity_key),
        rotation_exponent=given.rotation_exponent,
        zero_at=given.zero_at,
        bind_key=bytes.fromhex(given.bind_key or ""),
    )


def seal_keys(key: SealingKey, tag: str, keys: TagKeys) -> SealedKeys:
    """`keys` of `tag`, to be kept."""

    def sealed(secret: bytes, name: str) -> bytes:
        return key.seal(secret, about=f"{tag} {name}") if secret else b""

    return SealedKeys(
        tag,
        sealed(keys.identity_key, "identity"),
        keys.rotation_exponent,
        keys.zero_at,
        sealed(keys.bind_key, "bind"),
    )


def open_keys(key: SealingKey, kept: SealedKeys) -> TagKeys:
    """What `seal_keys` sealed. Raises UnsealError."""

    def opened(sealed: bytes, name: str) -> bytes:
        return key.open(sealed, about=f"{kept.tag} {name}") if sealed else b""

    return TagKeys(
        opened(kept.identity_key, "identity"),
        kept.rotation_exponent,
        kept.zero_at,
        opened(kept.bind_key, "bind"),
    )
