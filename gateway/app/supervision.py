"""One part of a process breaks, and the others go on."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from gateway.model import UnusableError

WAIT_FIRST_S = 1.0
WAIT_MOST_S = 60.0
SOUND_AFTER_S = 60.0  # what ran so long is tried again soon

_log = structlog.get_logger()


async def keep_going(
    name: str, work: Callable[[], Awaitable[object]], counts: Counter[str]
) -> None:
    """Do `work` to its end: where it fails, tell, count `{name}_failed`, wait, and begin it anew.

    Raises UnusableError, of which the process must end: its message says what a person can do.
    """
    loop = asyncio.get_running_loop()
    wait_s = WAIT_FIRST_S
    while True:
        began_at = loop.time()
        try:
            await work()
        except UnusableError:
            raise
        except Exception:  # noqa: BLE001 - a supervisor: no part may take the others with it
            _log.exception("a part failed and is begun anew", part=name)
        else:
            return
        counts[f"{name}_failed"] += 1
        if loop.time() - began_at >= SOUND_AFTER_S:
            wait_s = WAIT_FIRST_S
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, WAIT_MOST_S)
