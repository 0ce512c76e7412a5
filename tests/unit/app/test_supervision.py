import asyncio
from collections import Counter

import pytest

from gateway.app import supervision
from gateway.app.supervision import keep_going
from gateway.model import UnusableError
from tests.unit.app.town import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "WAIT_FIRST_S", 0.001)


async def test_what_fails_is_counted_and_begun_anew() -> None:
    counts: Counter[str] = Counter()

    async def work() -> None:
        raise ZeroDivisionError

    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(keep_going("lights", work, counts), name="going")
        await until(lambda: counts["lights_failed"] >= 3)
        going.cancel()


async def test_what_no_part_can_survive_ends_it() -> None:
    async def work() -> None:
        raise UnusableError("the disk is gone")

    with pytest.raises(UnusableError, match="disk"):
        await keep_going("windows", work, Counter())


async def test_a_part_that_is_cancelled_stays_cancelled() -> None:
    counts: Counter[str] = Counter()
    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(keep_going("scan", asyncio.Event().wait, counts), name="going")
        await asyncio.sleep(0)
        going.cancel()
    assert going.cancelled()
    assert counts == {}


async def test_what_has_nothing_to_do_is_not_begun_again() -> None:
    counts: Counter[str] = Counter()

    async def work() -> None:
        counts["done"] += 1

    await keep_going("scan", work, counts)
    assert counts == {"done": 1}
