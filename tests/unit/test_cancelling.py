import asyncio

import pytest

from gateway.cancelling import heed_cancel


@pytest.mark.parametrize("error", [None, OSError("no such port")])
async def test_a_cancellation_that_comes_together_with_the_answer_is_heeded(
    error: OSError | None,
) -> None:
    """`asyncio.wait_for` of Python 3.11 gives the answer and forgets the cancellation."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def call() -> int:
        return await asyncio.wait_for(answer, 10)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(heed_cancel(call()), name="call")
        await asyncio.sleep(0)
        if error is None:
            answer.set_result(1)
        else:
            answer.set_exception(error)
        task.cancel()
    assert task.cancelled()


async def test_without_a_cancellation_the_answer_is_given() -> None:
    async def call() -> int:
        return 7

    assert await heed_cancel(call()) == 7
