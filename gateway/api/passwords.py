"""Passwords as argon2id hashes, hashed and checked off the event loop, a few at a time."""

import asyncio
import secrets
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2  # each takes 64 MiB for 50 ms: a flood of logins must not take a Pi's memory


class Passwords:
    """`hasher` sets the cost; argon2-cffi's default is RFC 9106's choice for small memory."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    def hash(self, password: str) -> str:
        """A new hash; takes a while, so call it where nobody waits."""
        return self._hasher.hash(password)

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` is the one; None (no such user) takes as long as a wrong one."""
        async with self._turn:
            if not self._nobodys:
                self._nobodys = await asyncio.to_thread(self.hash, secrets.token_urlsafe())
            known = password_hash or self._nobodys
            fits = await asyncio.to_thread(partial(self._verify, known, password))
        return fits and password_hash is not None

    async def renewed(self, password_hash: str, password: str) -> str | None:
        """A hash at today's cost where the old one was made at another."""
        if not self._hasher.check_needs_rehash(password_hash):
            return None
        async with self._turn:
            return await asyncio.to_thread(self.hash, password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
