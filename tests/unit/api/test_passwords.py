"""Passwords: hashed with argon2id, and nothing to be told from the time it takes."""

import asyncio
import time
from typing import Literal

from argon2 import PasswordHasher

from gateway.api.passwords import Passwords
from tests.unit.api.town import CHEAP


async def test_a_password_fits_its_own_hash_only() -> None:
    passwords = Passwords(CHEAP)
    known = passwords.hash("right")
    assert known.startswith("$argon2id$")
    assert passwords.hash("right") != known
    assert await passwords.fits(known, "right")
    assert not await passwords.fits(known, "wrong")
    assert not await passwords.fits("not a hash", "right")


async def test_nobody_fits_any_password() -> None:
    assert not await Passwords(CHEAP).fits(None, "")


async def test_a_hash_of_another_cost_is_renewed() -> None:
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    old = CHEAP.hash("right")
    renewed = await passwords.renewed(old, "right")
    assert renewed is not None
    assert await passwords.fits(renewed, "right")
    assert await passwords.renewed(renewed, "right") is None


async def test_an_unknown_login_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords(PasswordHasher(time_cost=8, memory_cost=8_192, parallelism=1))
    known = passwords.hash("right")
    await passwords.fits(None, "warm up")

    async def cpu_s(password_hash: str | None) -> float:
        before = time.process_time()
        for _ in range(5):
            await passwords.fits(password_hash, "wrong")
        return time.process_time() - before

    wrong, unknown = await cpu_s(known), await cpu_s(None)
    assert 0.5 < wrong / unknown < 2.0


async def test_a_few_are_checked_at_once() -> None:
    class Counting(PasswordHasher):
        running = 0
        most = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the parent's name
            Counting.running += 1
            Counting.most = max(Counting.most, Counting.running)
            try:
                return super().verify(hash, password)
            finally:
                Counting.running -= 1

    passwords = Passwords(Counting(time_cost=2, memory_cost=1_024, parallelism=1))
    known = passwords.hash("right")
    assert all(await asyncio.gather(*(passwords.fits(known, "right") for _ in range(12))))
    assert 1 <= Counting.most <= 2
