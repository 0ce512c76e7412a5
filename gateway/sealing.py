"""Secrets at rest, sealed under the hub's key: AES-256-GCM (NIST SP 800-38D).

The key is a file of 64 hex digits that systemd hands over as a credential (`hub.key_file`). What is
sealed begins with a version and the key's id, so that the key can be changed one day; then follow
the nonce, which is random, and the text with its tag.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model import UnusableError

KEY_SIZE = 32
VERSION = b"\x01"
ID_SIZE = 4
NONCE_SIZE = 12

_HEX = re.compile(rb"[0-9A-Fa-f]{64}")
_ID_LABEL = b"machimori sealing key"


class KeyFileError(UnusableError):
    """The hub's key cannot be used; the message names the file and what to do."""


class UnsealError(Exception):
    """Something sealed cannot be opened; the message says why, and nothing of what is in it."""


class SealingKey:
    """The hub's key; `id` names it and tells nothing of it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_SIZE:
            raise ValueError(f"a sealing key has {KEY_SIZE} bytes")
        self.id = hashlib.sha256(_ID_LABEL + secret).digest()[:ID_SIZE]
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, *, about: str) -> bytes:
        """`plain`, to be opened by this key and for the same `about` only."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        head = VERSION + self.id
        return head + nonce + self._cipher.encrypt(nonce, plain, head + about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """What was sealed. Raises UnsealError."""
        head, rest = sealed[: len(VERSION) + ID_SIZE], sealed[len(VERSION) + ID_SIZE :]
        if head[: len(VERSION)] != VERSION:
            raise UnsealError("it was sealed in a way that this program does not know")
        if head[len(VERSION) :] != self.id:
            raise UnsealError("it was sealed under another key")
        nonce, text = rest[:NONCE_SIZE], rest[NONCE_SIZE:]
        try:
            return self._cipher.decrypt(nonce, text, head + about.encode())
        except (InvalidTag, ValueError) as error:
            raise UnsealError("it was changed, or sealed for something else") from error


def read_sealing_key(file: Path) -> SealingKey:
    """The key of that file. Raises KeyFileError."""
    try:
        text = file.read_bytes().strip()
    except OSError as error:
        raise KeyFileError(
            f"{file}: the hub's key cannot be read ({error.strerror}). Put the file back, or mend "
            "hub.key_file; a new hub gets one by: machimori key new FILE"
        ) from error
    if not _HEX.fullmatch(text):
        raise KeyFileError(
            f"{file}: is no key of the hub: it has {2 * KEY_SIZE} hex digits and nothing else. "
            "Put the right file back from your backup; without it no tag's key can be read."
        )
    return SealingKey(bytes.fromhex(text.decode()))


def write_new_key(file: Path) -> SealingKey:
    """Make a key, in a new file that its owner alone may read. Raises KeyFileError."""
    secret = secrets.token_bytes(KEY_SIZE)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{secret.hex()}\n")
            opened.flush()
            os.fsync(descriptor)
    except FileExistsError as error:
        raise KeyFileError(
            f"{file}: is there already. What was sealed under it could never be read again: move "
            "it away yourself if you are sure."
        ) from error
    except OSError as error:
        raise KeyFileError(
            f"{file}: cannot be written ({error.strerror}). Give a file in a folder that you may "
            "write to."
        ) from error
    return SealingKey(secret)
