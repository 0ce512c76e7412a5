"""A task that is told to stop stops, also where a library has waited by `asyncio.wait_for`.

Before Python 3.12 that swallows a cancellation which comes together with the answer, or with the
time-out: the task would go on for ever.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def heed_cancel(call: Awaitable[T]) -> T:
    """Await a call of such a library without losing a cancellation."""
    before = cancellations()
    try:
        return await call
    finally:
        stop_if_cancelled(before=before)


def cancellations() -> int:
    """How often this task has been told to stop."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def stop_if_cancelled(*, before: int) -> None:
    """Raise CancelledError where this task was told to stop since there were `before`."""
    if cancellations() > before:
        raise asyncio.CancelledError
